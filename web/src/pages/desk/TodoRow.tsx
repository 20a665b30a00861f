import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import { LevelSquare } from '@/marks/LevelSquare';
import { RowMarks } from '@/marks/RowMarks';
import { StateChip } from '@/marks/StateChip';
import { RecordLink } from '@/records/RecordLink';
import { useSites } from '@/sites/useSites';
import { useElapsedText } from '@/time/useElapsedText';
import { useNow } from '@/time/useNow';
import styles from './desk.module.css';

export function TodoRow({ row }: { row: RecordRow }) {
  const { t } = useTranslation();
  const { short } = useSites();
  const elapsedText = useElapsedText();
  const now = useNow(30_000);
  const incident = row.kind === 'incident';
  const chip = incident && row.state ? row.state : row.phase;
  return (
    <li>
      <RecordLink
        kind={row.kind}
        id={row.id}
        provisional={row.provisional}
        className={styles.todoRow}
      >
        {incident ? <LevelSquare level={row.level} /> : null}
        <span className={styles.todoText}>
          <span className={styles.todoTitle}>{row.title || t('record.withheld')}</span>
          <span className={styles.todoMeta}>
            <span className="secondary figures">
              {short(row.site)} · {incident ? null : `${t(`choices.category.${row.category}`)} · `}
              {t('desk.waiting', { time: elapsedText(row.happened_at ?? row.recorded_at, now) })}
            </span>
            {row.provisional ? <RowMarks row={row} /> : null}
            {chip === 'todo' ? null : <StateChip state={chip} />}
          </span>
        </span>
      </RecordLink>
    </li>
  );
}
