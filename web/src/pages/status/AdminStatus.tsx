import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useErrorText } from '@/i18n/useErrorText';
import { clockSeconds } from '@/time/format';
import { AdminFacts } from './AdminFacts';
import styles from './status.module.css';
import { useAdminStatus } from './useAdminStatus';

/** Journals, quarantine, forks and counters as the site reports them; administrators only. */
export function AdminStatus() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { data, error, isFetching, refetch } = useAdminStatus();
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
