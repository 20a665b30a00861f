import { Button, Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import { sizeText } from '@/attachments/size';
import { useErrorText } from '@/i18n/useErrorText';
import { ImportResult } from './ImportResult';
import styles from './status.module.css';
import type { Carrying } from './useCarry';

/** How far a carried file is, what it came to, or in words why not. */
export function CarryState({ carrying, onStop }: { carrying: Carrying; onStop: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const stop = (
    <Button size="small" onClick={onStop}>
      {t('carry.stop')}
    </Button>
  );
  switch (carrying.state) {
    case 'idle':
      return null;
    case 'exporting':
      return (
        <div className={styles.bar}>
          <span role="status">{t('carry.exporting', { size: sizeText(carrying.bytes) })}</span>
          {stop}
        </div>
      );
    case 'exported': {
      const { bytes, file, to } = carrying;
      return <p role="status">{t('carry.exported', { size: sizeText(bytes), file, to })}</p>;
    }
    case 'importing': {
      const { bytes, of, file } = carrying;
      const words =
        bytes < of
          ? t('carry.importing', { file, size: sizeText(bytes), of: sizeText(of) })
          : t('carry.checking', { file });
      return (
        <div className={styles.bar}>
          <span role="status">{words}</span>
          {stop}
          <Progress
            percent={Math.floor((bytes / Math.max(of, 1)) * 100)}
            status="active"
            aria-label={t('carry.import')}
          />
        </div>
      );
    }
    case 'imported':
      return <ImportResult file={carrying.file} result={carrying.result} />;
    case 'stopped':
      return <p role="status">{t('carry.stopped')}</p>;
    case 'failed':
      return (
        <p className={styles.problem} role="alert">
          {errorText(carrying.error)}
        </p>
      );
  }
}
