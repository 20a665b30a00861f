import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import styles from './marks.module.css';

/** What an officer must see of a row beyond its words: amended, sensitive, held only here. */
export function RowMarks({ row }: { row: RecordRow }) {
  const { t } = useTranslation();
  return (
    <>
      {row.amended === 'none' ? null : (
        <span className={styles.mark}>{t(`choices.type.${row.amended}`)}</span>
      )}
      {row.sensitive ? <span className={styles.mark}>{t('record.sensitive')}</span> : null}
      {row.acked ? null : (
        <span className={styles.onlyHere} title={t('record.onlyHereHint')}>
          {t('record.onlyHere')}
        </span>
      )}
    </>
  );
}
