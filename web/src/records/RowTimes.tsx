import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import { dateTime, shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './list.module.css';

/** Both times of a row: when it happened, to the minute, and when it was recorded. */
export function RowTimes({ row }: { row: RecordRow }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const happened = row.happened_at ?? row.recorded_at;
  return (
    <>
      <time className={`${styles.first} figures`} title={dateTime(happened)}>
        {shortTime(happened, now)} {t('record.happened')}
      </time>
      <time className={`${styles.second} figures`} title={dateTime(row.recorded_at)}>
        {shortTime(row.recorded_at, now)} {t('record.recorded')}
      </time>
    </>
  );
}
