import { useTranslation } from 'react-i18next';
import { useSession } from '@/shell/session';
import { AdminStatus } from './AdminStatus';
import { Carry } from './Carry';
import { FeedStatus } from './FeedStatus';
import { JoinCodeForm } from './JoinCodeForm';
import { RevokeForm } from './RevokeForm';
import { SitesTable } from './SitesTable';
import styles from './status.module.css';
import { Unconfirmed } from './Unconfirmed';

export function StatusPage() {
  const { t } = useTranslation();
  const { user, site } = useSession();
  const administrator = user.role === 'administrator';
  return (
    <div className={styles.page}>
      <h1>{t('status.title')}</h1>
      {administrator ? <Unconfirmed /> : null}
      <SitesTable />
      <FeedStatus />
      {administrator && site.role === 'hub' ? <JoinCodeForm /> : null}
      {administrator && site.role === 'hub' ? <RevokeForm /> : null}
      {administrator ? <Carry /> : null}
      {administrator ? <AdminStatus /> : null}
    </div>
  );
}
