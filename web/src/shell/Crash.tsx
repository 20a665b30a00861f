import { useRouter } from '@tanstack/react-router';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { useErrorText } from '@/i18n/useErrorText';
import styles from './PageMessage.module.css';

/** What a page that threw becomes: never a blank screen, always a way on. */
export function Crash({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const router = useRouter();
  return (
    <div className={styles.message} role="alert">
      <h1>{t(error instanceof ApiError ? 'app.cannotShow' : 'app.crash')}</h1>
      <p>{error instanceof ApiError ? errorText(error) : t('app.crashHint')}</p>
      <div className={styles.actions}>
        <Button type="primary" onClick={() => void router.invalidate()}>
          {t('app.retry')}
        </Button>
        <Button onClick={() => location.reload()}>{t('app.reload')}</Button>
        <a href="/desk">{t('app.backToDesk')}</a>
      </div>
    </div>
  );
}
