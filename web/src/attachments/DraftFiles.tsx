import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { AttachBar } from './AttachBar';
import styles from './attachments.module.css';
import type { Attached } from './queue';
import { sizeText } from './size';
import { UploadRows } from './UploadRows';
import type { useUploads } from './useUploads';

interface Props {
  files: readonly Attached[];
  uploads: ReturnType<typeof useUploads>;
  onFiles: (files: File[]) => void;
  onRemove: (blob: string) => void;
}

/** The attachments of a draft; saving does not wait for those still on their way. */
export function DraftFiles({ files, uploads, onFiles, onRemove }: Props) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('attachments.title')} className={styles.draft}>
      <AttachBar accept={uploads.accept} onFiles={onFiles} />
      {files.length > 0 ? (
        <ul className={styles.uploads}>
          {files.map(({ blob, name, size }) => (
            <li key={blob}>
              <span className={styles.name}>{name}</span>
              <span className="secondary figures">{sizeText(size)}</span>
              <Button
                size="small"
                type="text"
                aria-label={t('attachments.removeOf', { name })}
                onClick={() => onRemove(blob)}
              >
                {t('attachments.remove')}
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      <UploadRows uploads={uploads.uploads} queue={uploads.queue} />
    </section>
  );
}
