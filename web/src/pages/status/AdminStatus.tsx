import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { clockSeconds } from '@/time/format';
import { Facts } from './Facts';
import styles from './status.module.css';

const EVERY_MS = 15_000;

/** Journals, quarantine, peers and counters as the site reports them; administrators only. */
export function AdminStatus() {
  const { t, i18n } = useTranslation();
  const errorText = useErrorText();
  const { data, error, isFetching, dataUpdatedAt, refetch } = useQuery({
    queryKey: keys.adminStatus,
    queryFn: ({ signal }) => api.adminStatus(signal),
    refetchInterval: EVERY_MS,
  });
  const heading = (name: string) =>
    i18n.exists(`status.${name}`) ? t(`status.${name}`) : name.replaceAll('_', ' ');
  return (
    <section className={styles.panel}>
      <div className={styles.bar}>
        <h2>{t('status.admin')}</h2>
        {dataUpdatedAt > 0 ? (
          <span className="secondary figures">
            {t('status.updated', { time: clockSeconds(dataUpdatedAt) })}
          </span>
        ) : null}
        <Button size="small" loading={isFetching} onClick={() => void refetch()}>
          {t('status.refresh')}
        </Button>
      </div>
      {error ? <p role="alert">{errorText(error)}</p> : null}
      {Object.entries(data ?? {}).map(([name, value]) => (
        <div key={name} className={styles.part}>
          <h3>{heading(name)}</h3>
          <Facts value={value} />
        </div>
      ))}
    </section>
  );
}
