import { Button, Spin } from 'antd';
import { useTranslation } from 'react-i18next';
import { useErrorText } from '@/i18n/useErrorText';
import type { ColumnId } from '@/kinds/spec';
import { useDelayed } from '@/shell/useDelayed';
import styles from './list.module.css';
import { RecordTable } from './RecordTable';
import type { useRecords } from './useRecords';

interface Props {
  records: ReturnType<typeof useRecords>;
  columns: readonly ColumnId[];
  caption: string;
  empty: string;
}

/** Rows, or in words why there are none. */
export function ListBody({ records, columns, caption, empty }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const late = useDelayed(1000);
  const { list, rows } = records;
  if (list.isPending) {
    return late ? (
      <p className={styles.blank} role="status">
        <Spin size="small" /> {t('app.loading')}
      </p>
    ) : null;
  }
  return (
    <>
      {list.isError ? (
        <p className={styles.problem} role="alert">
          {errorText(list.error)}{' '}
          <Button size="small" onClick={() => void list.refetch()}>
            {t('app.retry')}
          </Button>
        </p>
      ) : null}
      {rows.length > 0 ? <RecordTable caption={caption} rows={rows} columns={columns} /> : null}
      {rows.length === 0 && !list.isError ? <p className={styles.blank}>{empty}</p> : null}
    </>
  );
}
