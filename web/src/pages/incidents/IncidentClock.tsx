import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useElapsedText } from '@/time/useElapsedText';
import { useNow } from '@/time/useNow';
import styles from './incidents.module.css';

const ENDED = ['final_report', 'archived', 'untrue', 'merged', 'not_reported'];

/** How long it has been going on, from the best time known; an ended incident has no running clock. */
export function IncidentClock({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const elapsedText = useElapsedText();
  const now = useNow(10_000);
  if (record.state && ENDED.includes(record.state)) return null;
  const known = record.fields.known_at;
  const [from, since] =
    record.happened_at !== null
      ? [record.happened_at, 'sinceHappened']
      : typeof known === 'number'
        ? [known, 'sinceKnown']
        : [record.recorded_at, 'sinceRecorded'];
  return (
    <span className={styles.clock}>
      <span className="secondary">{t(`incident.${since}`)}</span>{' '}
      <strong className={styles.countdown}>
        {t('incident.elapsed', { time: elapsedText(from, now) })}
      </strong>
    </span>
  );
}
