import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useSites } from '@/sites/useSites';
import { dateTime } from '@/time/format';
import styles from './record.module.css';

/** Values two campuses entered at the same time: both are shown, a person decides. */
export function Conflicts({ conflicts }: Pick<DutyRecord, 'conflicts'>) {
  const { t, i18n } = useTranslation();
  const { name } = useSites();
  const fields = Object.entries(conflicts);
  if (fields.length === 0) return null;
  const words = (field: string, value: unknown) => {
    if (typeof value === 'number') return dateTime(value);
    const choice = `choices.${field}.${String(value)}`;
    return i18n.exists(choice) ? t(choice) : String(value ?? t('field.notSet'));
  };
  return (
    <section className={styles.conflicts} aria-label={t('record.conflicts')}>
      <h2>▲ {t('record.conflicts')}</h2>
      {fields.map(([field, values]) => (
        <p key={field}>
          {t(`field.${field}`)} —{' '}
          {values
            .map(({ site, value }) =>
              t('record.conflictFrom', { site: name(site), value: words(field, value) }),
            )
            .join('；')}
        </p>
      ))}
    </section>
  );
}
