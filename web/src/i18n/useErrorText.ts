import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { asApiError, type FieldError, UNREACHABLE } from '@/api/errors';

/** Turns any failure into one sentence in the reader's language. */
export function useErrorText() {
  const { t, i18n } = useTranslation();
  return useCallback(
    (error: unknown): string => {
      const { code, message } = asApiError(error);
      const refused = code === 'forbidden' || code === 'conflict_state';
      // A refusal's message is the stable code of what stands in the way.
      if (refused && i18n.exists(`reasons.${message}`)) {
        return t('errors.refused', { reason: t(`reasons.${message}`) });
      }
      return i18n.exists(`errors.${code}`) ? t(`errors.${code}`) : t('errors.other', { code });
    },
    [t, i18n],
  );
}

/** The same for something that was being saved: out of reach, it says that the words are kept. */
export function useSaveErrorText() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  return useCallback(
    (error: unknown): string =>
      asApiError(error).code === UNREACHABLE ? t('errors.notSent') : errorText(error),
    [t, errorText],
  );
}

/** The sentence shown at one field. */
export function useFieldErrorText() {
  const { t, i18n } = useTranslation();
  return useCallback(
    ({ code, limit }: FieldError): string =>
      i18n.exists(`fieldErrors.${code}`)
        ? t(`fieldErrors.${code}`, { limit })
        : t('fieldErrors.other', { code }),
    [t, i18n],
  );
}
