import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { Fork } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { dateTime } from '@/time/format';
import { ScrollTable } from './ScrollTable';
import styles from './status.module.css';
import { NotYet } from './Unconfirmed';

interface Props {
  forks: Fork[];
  /** Nothing can be closed yet. */
  unconfirmed: boolean;
  owner: (site: string) => string;
}

const COLUMNS = ['owner', 'incarnation', 'forkAt', 'branches', 'received', 'forkNext'] as const;

/** Journals that went on at two places: what happened, and what an administrator does next. */
export function Forks({ forks, unconfirmed, owner }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Fork | null>(null);
  const close = useMutation({
    mutationFn: (fork: Fork) =>
      api.closeJournal(
        fork.kept.site,
        fork.kept.incarnation,
        fork.ends.map((end) => end.hash),
      ),
    onSettled: () => {
      setAsked(null);
      return queries.invalidateQueries({ queryKey: keys.adminStatus });
    },
  });
  return (
    <section className={styles.part} aria-labelledby="forks">
      <h3 id="forks">{t('status.forks')}</h3>
      {forks.length === 0 ? (
        <p className="secondary">{t('status.forksNone')}</p>
      ) : (
        <>
          <p className={styles.problem}>{t('status.forksHint')}</p>
          <p>{t('status.forksDo')}</p>
        </>
      )}
      <NotYet unconfirmed={unconfirmed && forks.length > 0} />
      {close.error ? <p role="alert">{errorText(close.error)}</p> : null}
      {close.isSuccess ? <p role="status">{t('forks.closed')}</p> : null}
      {forks.length > 0 ? (
        <ScrollTable
          label={t('status.forks')}
          columns={COLUMNS.map((column) => t(`status.${column}`))}
        >
          {forks.map((fork) => (
            <tr key={`${fork.kept.site}.${fork.kept.incarnation}.${fork.branch}`}>
              <th scope="row">{owner(fork.kept.site)}</th>
              <td className="figures" data-label={t('status.incarnation')}>
                {fork.kept.incarnation}
              </td>
              <td className="figures" data-label={t('status.forkAt')}>
                {fork.kept.seq}
              </td>
              <td className="figures" data-label={t('status.branches')}>
                {fork.ends.length || '—'}
              </td>
              <td className="figures" data-label={t('status.received')}>
                {dateTime(fork.found_at)}
              </td>
              <td data-label={t('status.forkNext')}>
                {fork.ends.length > 1 ? (
                  <Button size="small" disabled={unconfirmed} onClick={() => setAsked(fork)}>
                    {t('forks.close')}
                  </Button>
                ) : (
                  t(fork.ends.length === 0 ? 'forks.atHub' : 'forks.incomplete')
                )}
              </td>
            </tr>
          ))}
        </ScrollTable>
      ) : null}
      <Modal
        open={asked !== null}
        title={t('forks.close')}
        okText={t('forks.confirm')}
        cancelText={t('forks.cancel')}
        confirmLoading={close.isPending}
        onCancel={() => setAsked(null)}
        onOk={() => asked && close.mutate(asked)}
      >
        {asked ? (
          <>
            <p>{t('forks.ask', { name: owner(asked.kept.site), n: asked.ends.length })}</p>
            <ul className="figures">
              {asked.ends.map((end) => (
                <li key={end.hash}>
                  {t('forks.end', { seq: end.seq, hash: end.hash.slice(0, 16) })}
                </li>
              ))}
            </ul>
          </>
        ) : null}
      </Modal>
    </section>
  );
}
