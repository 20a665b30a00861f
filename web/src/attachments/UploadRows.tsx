import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import { useErrorText } from '@/i18n/useErrorText';
import styles from './attachments.module.css';
import type { Upload, UploadQueue } from './queue';
import { sizeText } from './size';

interface Props {
  uploads: readonly Upload[];
  queue: UploadQueue;
}

/** Trying again would end the same way. */
const FINAL = ['unsupported_type', 'body_too_large', 'empty_file'];

const percent = ({ sent, size }: Upload) => Math.floor((100 * sent) / Math.max(1, size));

/** Files on their way: how far, or in words why not. */
export function UploadRows({ uploads, queue }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const words = (error: unknown) => {
    const { code, fields } = asApiError(error);
    const limit = fields[0]?.limit;
    if (code === 'body_too_large' && limit) {
      return t('attachments.tooLong', { limit: sizeText(limit) });
    }
    return errorText(error);
  };
  return (
    <ul className={`${styles.uploads} screen-only`}>
      {uploads.map((upload) => {
        const { key, name, size, sent, state, error } = upload;
        return (
          <li key={key}>
            <span className={styles.name}>{name}</span>
            <span className="secondary figures">{sizeText(size)}</span>
            {state === 'failed' ? (
              <span role="alert" className={styles.error}>
                {words(error)}
              </span>
            ) : (
              <>
                <progress
                  max={size || 1}
                  value={state === 'attaching' ? size : sent}
                  aria-label={t('attachments.sending', { name })}
                />
                <span className="secondary figures">
                  {t(`attachments.upload.${state}`, { percent: percent(upload) })}
                </span>
              </>
            )}
            {state === 'paused' ||
            (state === 'failed' && !FINAL.includes(asApiError(error).code)) ? (
              <Button size="small" onClick={() => queue.retry(key)}>
                {t('app.retry')}
              </Button>
            ) : null}
            <Button
              size="small"
              type="text"
              aria-label={t(`attachments.${state === 'failed' ? 'removeOf' : 'cancelOf'}`, {
                name,
              })}
              onClick={() => queue.cancel(key)}
            >
              {t(`attachments.${state === 'failed' ? 'remove' : 'cancel'}`)}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
