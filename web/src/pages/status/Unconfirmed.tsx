import { useTranslation } from 'react-i18next';
import { useSites } from '@/sites/useSites';
import styles from './status.module.css';
import { useUnconfirmed } from './useAdminStatus';

/** A hub restored from a backup: what it may not do yet, and what it waits for. */
export function Unconfirmed() {
  const { t } = useTranslation();
  const { sites } = useSites();
  if (!useUnconfirmed()) return null;
  const campuses = sites.filter((site) => !site.self);
  const linked = campuses.filter(({ link }) => link.state === 'up');
  const names = (linked.length > 0 ? linked : campuses).map(({ name }) => name);
  const waiting = linked.length > 0 ? 'comparing' : campuses.length > 0 ? 'waiting' : 'alone';
  return (
    <section className={styles.panel} role="alert">
      <h2>▲ {t('unconfirmed.title')}</h2>
      <p>{t('unconfirmed.hint')}</p>
      <p className={styles.cut}>
        {t(`unconfirmed.${waiting}`, { names: names.join(t('app.comma')) })}
      </p>
    </section>
  );
}

/** Why a form of a restored hub cannot be sent yet. */
export function NotYet({ unconfirmed }: { unconfirmed: boolean }) {
  const { t } = useTranslation();
  return unconfirmed ? <p className={styles.problem}>{t('errors.hub_restored')}</p> : null;
}
