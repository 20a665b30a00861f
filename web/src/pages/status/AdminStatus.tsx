import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { AdminStatus as Status } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { clockSeconds } from '@/time/format';
import { AdminFacts } from './AdminFacts';
import styles from './status.module.css';

const EVERY_MS = 15_000;
const BUSY_EVERY_MS = 1_000;

const isChecking = ({ scrub }: Status) => scrub.asked || scrub.checking != null;

/** Journals, quarantine, forks and counters as the site reports them; administrators only. */
export function AdminStatus() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: keys.adminStatus,
    queryFn: ({ signal }) => api.adminStatus(signal),
    refetchInterval: ({ state: { data: now } }) =>
      now && isChecking(now) ? BUSY_EVERY_MS : EVERY_MS,
  });
  return (
    <section className={styles.panel}>
      <div className={styles.bar}>
        <h2>{t('status.admin')}</h2>
        {data ? (
          <span className="secondary figures">
            {t('status.updated', { time: clockSeconds(data.now) })}
          </span>
        ) : null}
        <Button size="small" loading={isFetching} onClick={() => void refetch()}>
          {t('status.refresh')}
        </Button>
      </div>
      {error ? <p role="alert">{errorText(error)}</p> : null}
      {data ? <AdminFacts status={data} /> : null}
    </section>
  );
}
