import { useTranslation } from 'react-i18next';
import type { Site } from '@/api/model';
import { cutOff } from '@/sites/network';
import { useSites } from '@/sites/useSites';
import { Verified } from '@/sites/Verified';
import { shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './desk.module.css';

export function SitesPanel() {
  const { t } = useTranslation();
  const { sites, query } = useSites();
  const now = useNow(30_000);
  return (
    <section className={styles.panel} aria-label={t('desk.sites')}>
      <div className={styles.bar}>
        <h2>{t('desk.sites')}</h2>
      </div>
      {query.isError ? <p className={styles.note}>{t('net.unknown')}</p> : null}
      <ul className={styles.rows}>
        {sites.map((site) => (
          <SiteRow key={site.id} site={site} now={now} />
        ))}
      </ul>
    </section>
  );
}

function SiteRow({ site, now }: { site: Site; now: number }) {
  const { t } = useTranslation();
  const { state, since, via } = site.link;
  const held = site.held_only_here ?? 0;
  const apart = cutOff(site);
  return (
    <li className={styles.site}>
      <span>{site.name}</span>
      <span className={apart ? styles.cut : 'secondary'}>
        <span aria-hidden="true">{apart ? '▲ ' : '● '}</span>
        {t(`net.${state}`)}
        {since === null ? null : ` ${t('net.since', { time: shortTime(since, now) })}`}
        {state === 'up' && via === 'hub' ? ` · ${t('net.viaHub')}` : null}
      </span>
      {site.copied_since ? <span className={styles.cut}>▲ {t('net.runsTwice')}</span> : null}
      {site.self ? (
        <span className={held > 0 ? styles.cut : 'secondary'}>
          {held > 0 ? t('net.heldOnlyHere', { n: held }) : t('net.allAcked')}
        </span>
      ) : null}
      {site.self ? <Verified bar /> : null}
    </li>
  );
}
