import { useTranslation } from 'react-i18next';
import type { ApiError } from '@/api/errors';
import { useErrorText } from '@/i18n/useErrorText';
import { useNow } from '@/time/useNow';
import styles from './sign-in.module.css';

/** A longer wait is told in minutes. */
const LONG_S = 120;

/** Why it failed; a throttled sign-in counts its seconds down. */
export function SignInError({ error, at }: { error: ApiError; at: number }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const now = useNow(1000);
  if (error.code !== 'sign_in_throttled' || error.retryAfterS === undefined) {
    return (
      <p className={styles.error} role="alert">
        {errorText(error)}
      </p>
    );
  }
  const left = Math.ceil((at + error.retryAfterS * 1000 - now) / 1000);
  return (
    <p className={styles.error} role="alert">
      {left <= 0
        ? t('signIn.canRetry')
        : left > LONG_S
          ? t('signIn.throttledLong', { n: Math.ceil(left / 60) })
          : t('signIn.throttled', { n: left })}
    </p>
  );
}
