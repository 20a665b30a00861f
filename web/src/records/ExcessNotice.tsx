import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useFieldLimits } from '@/fields/useFieldLimits';
import { excessOf } from './excess';
import styles from './record.module.css';

/** What was written in two places at once and is too long together: nothing is lost, and what to do. */
export function ExcessNotice({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const excess = excessOf(record, useFieldLimits(record.kind));
  if (excess.length === 0) return null;
  return (
    <section className={styles.conflicts} aria-label={t('record.excess')}>
      <h2>▲ {t('record.excess')}</h2>
      {excess.map(({ field, length, limit }) => (
        <p key={field}>{t('record.excessOf', { field: t(`field.${field}`), length, limit })}</p>
      ))}
      <p>{t('record.excessDo')}</p>
    </section>
  );
}
