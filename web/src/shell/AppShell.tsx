import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { sessionQuery } from '@/api/queries';
import { FeedBand } from '@/feed/FeedBand';
import { FeedProvider } from '@/feed/FeedProvider';
import styles from './AppShell.module.css';
import { CopiedBand } from './CopiedBand';
import { Head } from './Head';
import { NothingYet } from './NothingYet';
import { ToSignIn } from './ToSignIn';

/** The frame of every signed-in page: head, what all must know, page, foot. */
export function AppShell() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  if (!session) return <ToSignIn />;
  const onDuty = session.user.role !== 'staff';
  const frame = (
    <div className={styles.shell}>
      <a className={styles.skip} href="#page">
        {t('app.skip')}
      </a>
      <Head />
      <CopiedBand />
      {onDuty ? <FeedBand /> : null}
      <main id="page" className={styles.page} tabIndex={-1}>
        {onDuty ? <Outlet /> : <NothingYet />}
      </main>
      <footer className={styles.foot}>{t('app.footer')}</footer>
    </div>
  );
  return onDuty ? <FeedProvider>{frame}</FeedProvider> : frame;
}
