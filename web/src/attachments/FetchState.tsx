import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { Attachment, BlobState } from '@/api/model';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { cutOff } from '@/sites/network';
import { useSites } from '@/sites/useSites';
import styles from './attachments.module.css';
import { sizeText } from './size';

interface Props {
  attachment: Attachment;
  state: BlobState;
}

const percent = ({ here, size }: BlobState) => Math.floor((100 * here) / Math.max(1, size));

/** An attachment that is not here: fetched on request, with progress, or in words why not yet. */
export function FetchState({ attachment, state }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const { blob, name, site } = attachment;
  const owner = useSites().sites.find(({ id }) => id === site);
  const settle = (next: BlobState) => queries.setQueryData(keys.blob(blob), next);
  const fetch = useMutation({ mutationFn: () => api.fetchBlob(blob), onSuccess: settle });
  const stop = useMutation({ mutationFn: () => api.stopFetchingBlob(blob), onSuccess: settle });
  const error = fetch.error ?? stop.error;
  const coming = state.place !== 'elsewhere' && state.place !== 'here';
  return (
    <span className={styles.fetch}>
      {coming ? (
        <progress
          max={state.size || 1}
          value={state.here}
          aria-label={t('attachments.fetching', { name })}
        />
      ) : null}
      <span role="status">
        {owner && cutOff(owner) && state.place === 'waiting'
          ? t('attachments.waitingFor', { site: owner.name, percent: percent(state) })
          : t(`attachments.place.${state.place}`, {
              percent: percent(state),
              size: sizeText(state.size),
            })}
      </span>
      {coming ? (
        <Button
          size="small"
          aria-label={t('attachments.stopOf', { name })}
          loading={stop.isPending}
          onClick={() => stop.mutate()}
        >
          {t('attachments.stop')}
        </Button>
      ) : (
        <Button
          size="small"
          aria-label={t('attachments.fetchOf', { name })}
          loading={fetch.isPending}
          onClick={() => fetch.mutate()}
        >
          {t('attachments.fetch')}
        </Button>
      )}
      {error ? (
        <span role="alert" className={styles.error}>
          {errorText(error)}
        </span>
      ) : null}
    </span>
  );
}
