import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { elapsed } from './format';

/** `2 小时 5 分` between two instants. */
export function useElapsedText() {
  const { t } = useTranslation();
  return useCallback(
    (from: number, to: number): string => {
      const { days, hours, minutes } = elapsed(from, to);
      if (days > 0) return t('duration.days', { d: days, h: hours });
      if (hours > 0) return t('duration.hours', { h: hours, m: minutes });
      return t('duration.minutes', { m: minutes });
    },
    [t],
  );
}
