import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

/** Why the server does not allow an action now, in the reader's language. */
export function useReasonText() {
  const { t, i18n } = useTranslation();
  return useCallback(
    (code: string | null): string => {
      if (!code) return t('reasons.forbidden');
      return i18n.exists(`reasons.${code}`) ? t(`reasons.${code}`) : t('reasons.other', { code });
    },
    [t, i18n],
  );
}
