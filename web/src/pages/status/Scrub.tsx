import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { AdminStatus } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { useSites } from '@/sites/useSites';
import { dateTime } from '@/time/format';
import { StatusTable } from './StatusTable';
import styles from './status.module.css';

/** Whether every bundle is still there, here and at the other sites; a check on demand. */
export function Scrub({ scrub }: { scrub: AdminStatus['scrub'] }) {
  const { t } = useTranslation();
  const { name } = useSites();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: () => api.scrub(),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.adminStatus }),
  });
  const { check } = scrub;
  const running = scrub.asked || scrub.checking != null;
  return (
    <div className={styles.part}>
      <div className={styles.bar}>
        <h3>{t('scrub.title')}</h3>
        <Button
          size="small"
          loading={running || start.isPending}
          onClick={() => start.mutate()}
          title={t('scrub.hint')}
        >
          {t('scrub.start')}
        </Button>
        <span className="figures" role="status">
          {scrub.checking == null ? null : t('scrub.checking', { n: scrub.checking })}
        </span>
      </div>
      {start.error ? <p role="alert">{errorText(start.error)}</p> : null}
      <p className="figures">
        {check
          ? t('scrub.checked', { time: dateTime(check.at), n: check.bundles })
          : t('scrub.never')}
        {' · '}
        {scrub.holes > 0 ? (
          <strong className={styles.problem}>{t('scrub.holes', { n: scrub.holes })}</strong>
        ) : (
          t('scrub.whole')
        )}
      </p>
      <StatusTable
        title={t('scrub.compared')}
        columns={['site', 'time', 'result', 'here', 'there', 'bytes'].map((one) =>
          t(`scrub.${one}`),
        )}
        rows={scrub.peers.map((peer) => ({
          key: peer.site,
          cells: [
            name(peer.site),
            dateTime(peer.at),
            result(peer),
            t('scrub.mended', { missing: peer.missing_here, mended: peer.mended_here }),
            t('scrub.mended', { missing: peer.missing_there, mended: peer.mended_there }),
            peer.bytes,
          ],
        }))}
      />
    </div>
  );

  function result(peer: AdminStatus['scrub']['peers'][number]): string {
    if (!peer.complete) return t('scrub.broken');
    const apart = peer.missing_here + peer.missing_there > 0;
    return t(apart ? 'scrub.apart' : 'scrub.equal');
  }
}
