import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Verified } from '@/sites/Verified';
import { clockSeconds } from '@/time/format';
import styles from './list.module.css';
import type { useRecords } from './useRecords';

/** How many rows, how old, and the way to earlier ones. */
export function ListFoot({ records }: { records: ReturnType<typeof useRecords> }) {
  const { t } = useTranslation();
  const { list, rows, asOf } = records;
  if (list.isPending || (list.isError && rows.length === 0)) return null;
  return (
    <div className={styles.foot}>
      {list.hasNextPage ? (
        <Button
          size="small"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t('list.more')}
        </Button>
      ) : null}
      <span className="secondary figures">
        {t(list.hasNextPage ? 'list.countMore' : 'list.count', { n: rows.length })}
      </span>
      <Verified />
      {asOf === null ? null : (
        <span className="secondary figures">{t('list.asOf', { time: clockSeconds(asOf) })}</span>
      )}
    </div>
  );
}
