import { useTranslation } from 'react-i18next';
import { LevelSquare } from '@/marks/LevelSquare';
import { StateChip } from '@/marks/StateChip';
import { RecordLink } from '@/records/RecordLink';
import { useSites } from '@/sites/useSites';
import { useElapsedText } from '@/time/useElapsedText';
import { useNow } from '@/time/useNow';
import styles from './desk.module.css';
import { useOpenRecords } from './useOpenRecords';

const weight = (level: string | null) => {
  const place = ['I', 'II', 'III', 'IV'].indexOf(level ?? '');
  return place < 0 ? 4 : place;
};

/** Incidents not yet ended, the gravest first. */
export function OpenIncidents() {
  const { t } = useTranslation();
  const { short } = useSites();
  const elapsedText = useElapsedText();
  const now = useNow(30_000);
  const { rows, list } = useOpenRecords();
  const incidents = rows
    .filter(({ kind }) => kind === 'incident')
    .sort((a, b) => weight(a.level) - weight(b.level));
  return (
    <section className={styles.panel} aria-label={t('desk.openIncidents')}>
      <div className={styles.bar}>
        <h2>{t('desk.openIncidents')}</h2>
        <span className="secondary figures">{list.isSuccess ? incidents.length : ''}</span>
      </div>
      {list.isSuccess && incidents.length === 0 ? (
        <p className={styles.note}>{t('desk.noIncidents')}</p>
      ) : null}
      <ul className={styles.rows}>
        {incidents.map((row) => (
          <li key={row.id}>
            <RecordLink kind={row.kind} id={row.id} className={styles.todoRow}>
              <LevelSquare level={row.level} />
              <span className={styles.todoText}>
                <span className={styles.todoTitle}>{row.title}</span>
                <span className={styles.todoMeta}>
                  <span className="secondary figures">
                    {short(row.site)} · {elapsedText(row.happened_at ?? row.recorded_at, now)}
                  </span>
                  {row.state ? <StateChip state={row.state} /> : null}
                </span>
              </span>
            </RecordLink>
          </li>
        ))}
      </ul>
    </section>
  );
}
