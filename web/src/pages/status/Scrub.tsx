import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { AdminStatus } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { useSites } from '@/sites/useSites';
import { dateTimeSeconds } from '@/time/format';
import { StatusTable } from './StatusTable';
import styles from './status.module.css';

/** Whether every bundle is still there, here and at the other sites; a check on demand. */
export function Scrub({ status }: { status: AdminStatus }) {
  const { scrub, counters } = status;
  const { t } = useTranslation();
  const { name, sites } = useSites();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: () => api.scrub(),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.adminStatus }),
  });
  const { check } = scrub;
  const running = scrub.asked || scrub.checking != null;
  const alone = sites.every(({ link }) => link.state !== 'up');
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
          {running ? progress() : null}
        </span>
      </div>
      {start.error ? <p role="alert">{errorText(start.error)}</p> : null}
      <p className="figures">
        {check
          ? t('scrub.checked', {
              time: dateTimeSeconds(check.at),
              n: check.bundles,
              took: Math.max(check.took_ms / 1000, 0.1).toFixed(1),
            })
          : t('scrub.never')}
        {scrub.holes > 0 ? (
          <strong className={styles.problem}> · {t('scrub.holes', { n: scrub.holes })}</strong>
        ) : check ? (
          ` · ${t('scrub.whole')}`
        ) : null}
      </p>
      <StatusTable
        title={t('scrub.compared')}
        empty={t(alone ? 'scrub.alone' : 'scrub.notCompared')}
        columns={['site', 'time', 'result', 'here', 'there', 'bytes'].map((one) =>
          t(`scrub.${one}`),
        )}
        rows={scrub.peers.map((peer) => ({
          key: peer.site,
          cells: [
            name(peer.site),
            dateTimeSeconds(peer.at),
            result(peer),
            lacking(peer.missing_here, peer.mended_here),
            lacking(peer.missing_there, peer.mended_there),
            peer.bytes,
          ],
        }))}
      />
    </div>
  );

  function progress(): string {
    if (scrub.checking == null) return t('scrub.asked');
    return t('scrub.checking', { n: scrub.checking, of: counters.bundles });
  }

  function lacking(missing: number, mended: number) {
    return missing === 0 ? missing : t('scrub.mended', { missing, mended });
  }

  function result(peer: AdminStatus['scrub']['peers'][number]): string {
    if (!peer.complete) return t('scrub.broken');
    const apart = peer.missing_here + peer.missing_there > 0;
    return t(apart ? 'scrub.apart' : 'scrub.equal');
  }
}
