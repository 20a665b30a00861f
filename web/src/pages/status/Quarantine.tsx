import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { AdminStatus, Quarantined } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { dateTime } from '@/time/format';
import { reasonOf } from './quarantine-reasons';
import { ScrollTable } from './ScrollTable';
import styles from './status.module.css';

interface Props {
  status: AdminStatus;
  owner: (site: string) => string;
}

const COLUMNS = ['received', 'owner', 'record', 'reason', 'verdict', 'size', 'place'] as const;
const AT_FIRST = 20;
const kilobytes = (bytes: number) => `${Math.max(bytes / 1000, 0.1).toFixed(1)} kB`;

/** What did not pass the gate: why, whose, when, and what can be done about it. */
export function Quarantine({ status, owner }: Props) {
  const { quarantine, rules, counters } = status;
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [most, setMost] = useState(AT_FIRST);
  const queries = useQueryClient();
  const rejudge = useMutation({
    mutationFn: api.rejudge,
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.adminStatus }),
  });
  const held = quarantine.filter((one) => one.verdict === 'held').length;
  return (
    <section className={styles.part} aria-labelledby="quarantine">
      <div className={styles.bar}>
        <h3 id="quarantine">{t('quarantine.title')}</h3>
        <Button
          size="small"
          disabled={held === 0}
          loading={rejudge.isPending}
          title={held === 0 ? t('quarantine.nothingHeld') : undefined}
          onClick={() => rejudge.mutate()}
        >
          {t('quarantine.rejudge')}
        </Button>
        {rejudge.data ? (
          <span role="status">{t('quarantine.rejudged', { ...rejudge.data })}</span>
        ) : null}
      </div>
      {rejudge.error ? <p role="alert">{errorText(rejudge.error)}</p> : null}
      {rules.known < rules.active ? (
        <p>
          <span className={styles.cut}>{t('quarantine.upgrade', { ...rules })}</span>
        </p>
      ) : null}
      <p className="secondary">
        {t(quarantine.length === 0 ? 'quarantine.empty' : 'quarantine.hint')}
      </p>
      {quarantine.length > 0 ? (
        <ScrollTable
          label={t('quarantine.title')}
          columns={COLUMNS.map((column) => t(`quarantine.${column}`))}
        >
          {quarantine.slice(0, most).map((one) => (
            <Line key={one.bundle.hash} one={one} owner={owner} />
          ))}
        </ScrollTable>
      ) : null}
      {quarantine.length > most ? (
        <Button onClick={() => setMost(quarantine.length)}>
          {t('quarantine.more', { n: quarantine.length - most })}
        </Button>
      ) : null}
      {counters.quarantined > quarantine.length && quarantine.length <= most ? (
        <p className="secondary">
          {t('quarantine.newest', { n: quarantine.length, of: counters.quarantined })}
        </p>
      ) : null}
    </section>
  );
}

function Line({ one, owner }: { one: Quarantined; owner: (site: string) => string }) {
  const { t, i18n } = useTranslation();
  const { bundle, record, verdict, code } = one;
  const kind = record?.kind && i18n.exists(`kind.${record.kind}.name`);
  const about = record
    ? [kind ? t(`kind.${record.kind}.name`) : owner(record.home), record.number].filter(Boolean)
    : ['—'];
  return (
    <tr>
      <td className="figures" data-label={t('quarantine.received')}>
        {dateTime(one.received_at)}
      </td>
      <td data-label={t('quarantine.owner')}>{owner(bundle.site)}</td>
      <td className="figures" data-label={t('quarantine.record')}>
        {about.join(' ')}
      </td>
      <td data-label={t('quarantine.reason')}>
        <span>
          {t(`quarantine.why.${reasonOf(code)}`)} <span className="secondary">{code}</span>
        </span>
      </td>
      <td data-label={t('quarantine.verdict')}>
        <span>
          <span aria-hidden="true">{verdict === 'held' ? '◐ ' : '✕ '}</span>
          {t(`status.${verdict}`)}
        </span>
      </td>
      <td className="figures" data-label={t('quarantine.size')}>
        {kilobytes(one.bytes)}
      </td>
      <td className="figures" data-label={t('quarantine.place')}>
        {bundle.incarnation}.{bundle.seq}
      </td>
    </tr>
  );
}
