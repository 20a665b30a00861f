import { useTranslation } from 'react-i18next';
import type { AdminStatus, Journal } from '@/api/model';
import { useSites } from '@/sites/useSites';
import { Copies } from './Copies';
import { Facts } from './Facts';
import { Forks } from './Forks';
import { Quarantine } from './Quarantine';
import { Scrub } from './Scrub';
import { StatusTable } from './StatusTable';

const INSTITUTION = /^0+$/;
const HASH_SHOWN = 16;

const key = (j: Journal) => `${j.site}.${j.incarnation}.${j.seq}`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const hash = (text: string) => text.slice(0, HASH_SHOWN);

export function AdminFacts({ status }: { status: AdminStatus }) {
  const { t, i18n } = useTranslation();
  const { name, sites } = useSites();
  const owner = (site: string) => (INSTITUTION.test(site) ? t('status.institution') : name(site));
  const place = (j: Journal) => [owner(j.site), j.incarnation, j.seq];
  const columns = (...names: string[]) => names.map((one) => t(`status.${one}`));
  // As the duty rooms are listed above, the institution first.
  const rank = ({ site }: Journal) => sites.findIndex(({ id }) => id === site);
  const sorted = [...status.journals].sort(
    (a, b) => rank(a) - rank(b) || a.incarnation - b.incarnation,
  );
  const counter = (one: string) =>
    i18n.exists(`status.counter.${one}`) ? t(`status.counter.${one}`) : one;
  return (
    <>
      <Copies copies={status.copies} owner={owner} />
      <Facts
        facts={[
          { name: t('status.version'), value: status.version },
          ...Object.entries(status.counters).map(([one, value]) => ({
            name: counter(one),
            value: one === 'database_bytes' ? megabytes(value) : value,
          })),
        ]}
      />
      <Scrub status={status} />
      <Forks forks={status.forks} unconfirmed={status.unconfirmed} owner={owner} />
      <Quarantine status={status} owner={owner} />
      <StatusTable
        title={t('status.journals')}
        empty={t('status.none')}
        columns={columns('owner', 'incarnation', 'seq', 'hash')}
        rows={sorted.map((j) => ({ key: key(j), cells: [...place(j), hash(j.hash)] }))}
      />
    </>
  );
}
