import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Site } from '@/api/model';
import { useErrorText } from '@/i18n/useErrorText';
import { cutOff } from '@/sites/network';
import { useSites } from '@/sites/useSites';
import { Verified } from '@/sites/Verified';
import { clockSeconds, dateTime } from '@/time/format';
import { CatchingUp } from './CatchingUp';
import { ScrollTable } from './ScrollTable';
import styles from './status.module.css';

export function SitesTable() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { sites, query } = useSites();
  const columns = ['site', 'role', 'state', 'since', 'via', 'catchingUp', 'onlyHere'] as const;
  return (
    <section className={styles.panel}>
      <div className={styles.bar}>
        <h2>{t('status.sites')}</h2>
        {query.data ? (
          <span className="secondary figures">
            {t('status.asOf', { time: clockSeconds(query.data.now) })}
          </span>
        ) : null}
        <Button size="small" loading={query.isFetching} onClick={() => void query.refetch()}>
          {t('status.refresh')}
        </Button>
      </div>
      {query.isError ? <p role="alert">{errorText(query.error)}</p> : null}
      <ScrollTable
        label={t('status.sites')}
        columns={columns.map((column) => t(`status.${column}`))}
      >
        {sites.map((site) => (
          <SiteLine key={site.id} site={site} />
        ))}
      </ScrollTable>
    </section>
  );
}

function SiteLine({ site }: { site: Site }) {
  const { t } = useTranslation();
  const { state, since, via } = site.link;
  const held = site.held_only_here ?? 0;
  const apart = cutOff(site);
  return (
    <tr>
      <th scope="row">
        {site.name} <span className="secondary">{site.code}</span>
      </th>
      <td data-label={t('status.role')}>{t(`status.${site.role}`)}</td>
      <td data-label={t('status.state')}>
        <span className={apart ? styles.cut : undefined}>
          <span aria-hidden="true">{apart ? '▲ ' : '● '}</span>
          {t(`net.${state}`)}
        </span>{' '}
        {site.copied_since ? <span className={styles.cut}>▲ {t('net.runsTwice')}</span> : null}
      </td>
      <td className="figures" data-label={t('status.since')} data-none={since === null}>
        {since === null ? '—' : dateTime(since)}
      </td>
      <td data-label={t('status.via')} data-none={via === null}>
        {via === null ? '—' : t(via === 'hub' ? 'net.viaHub' : 'net.direct')}
      </td>
      <td
        data-label={t('status.catchingUp')}
        data-none={via !== 'direct' && !(site.self && site.verified)}
      >
        {site.self && site.verified ? <Verified bar /> : <CatchingUp link={site.link} />}
      </td>
      <td className="figures" data-label={t('status.onlyHere')} data-none={!site.self}>
        {site.self ? held : '—'}
      </td>
    </tr>
  );
}
