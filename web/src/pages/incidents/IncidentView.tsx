import { useTranslation } from 'react-i18next';
import { ActionBar } from '@/actions/ActionBar';
import type { DutyRecord } from '@/api/model';
import { incident } from '@/kinds';
import { LevelSquare } from '@/marks/LevelSquare';
import { Conflicts } from '@/records/Conflicts';
import { FieldList } from '@/records/FieldList';
import { Links } from '@/records/Links';
import { RecordHead } from '@/records/RecordHead';
import styles from '@/records/record.module.css';
import { Timeline } from '@/records/Timeline';
import { ConsultationPanel } from './ConsultationPanel';
import { IncidentClock } from './IncidentClock';
import { ProgressForm } from './ProgressForm';

const ELSEWHERE = ['add_progress', 'open_consultation'];

/** Level, state and clock on top; the timeline in the middle; consultation and actions on the right. */
export function IncidentView({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const latestFirst = [...record.timeline].sort(
    (a, b) => b.at - a.at || b.recorded_at - a.recorded_at,
  );
  const others = record.links.filter(({ kind }) => kind !== 'consultation');
  return (
    <article className={styles.page}>
      <RecordHead
        record={record}
        spec={incident}
        title={record.title}
        before={<LevelSquare level={record.level} word />}
      >
        <IncidentClock record={record} />
      </RecordHead>
      <Conflicts conflicts={record.conflicts} />
      <div className={styles.columns}>
        <div className={styles.column}>
          <ProgressForm record={record} />
          <section className={styles.panel} aria-live="polite">
            <h2>{t('timeline.title')}</h2>
            <Timeline items={latestFirst} empty={t('timeline.empty')} />
          </section>
        </div>
        <div className={styles.column}>
          <ConsultationPanel record={record} />
          <section className={`${styles.panel} ${styles.urgent}`}>
            <h2>{t('record.actions')}</h2>
            <ActionBar record={record} spec={incident} except={ELSEWHERE} />
          </section>
          <FieldList record={record} spec={incident} />
          <Links links={others} />
        </div>
      </div>
    </article>
  );
}
