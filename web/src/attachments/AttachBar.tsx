import { Button } from 'antd';
import { type ChangeEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './attachments.module.css';

interface Props {
  accept: string | undefined;
  onFiles: (files: File[]) => void;
}

/** Choosing files; on a phone also the camera. Dropping and pasting work on all around it. */
export function AttachBar({ accept, onFiles }: Props) {
  const { t } = useTranslation();
  const files = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const picked = (event: ChangeEvent<HTMLInputElement>) => {
    onFiles([...(event.target.files ?? [])]);
    // The same file may be chosen again.
    event.target.value = '';
  };
  return (
    <span className={`${styles.bar} screen-only`}>
      <Button size="small" onClick={() => files.current?.click()}>
        {t('attachments.add')}
      </Button>
      <Button size="small" className={styles.camera} onClick={() => camera.current?.click()}>
        {t('attachments.photo')}
      </Button>
      <span className={`secondary ${styles.hint}`}>{t('attachments.hint')}</span>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        accept={accept}
        aria-label={t('attachments.add')}
        onChange={picked}
      />
      <input
        ref={camera}
        type="file"
        hidden
        accept="image/*"
        capture="environment"
        aria-label={t('attachments.photo')}
        onChange={picked}
      />
    </span>
  );
}
