import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { TimelineItem } from '@/api/model';
import { camerasQuery } from '@/api/queries';
import { Disputed } from '@/marks/Disputed';
import { useSites } from '@/sites/useSites';
import { clockSeconds, dateTime, dayOf, shortTime, toMinute } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './record.module.css';
import { timelineText, whoseEntry } from './timeline-text';

/** What happened, in order; an entry written later than it happened says when it was recorded. */
export function Timeline({ items, empty }: { items: TimelineItem[]; empty: string }) {
  const { t } = useTranslation();
  const { short } = useSites();
  const now = useNow(60_000);
  const { data } = useQuery({
    ...camerasQuery,
    enabled: items.some((item) => item.data?.camera !== undefined),
  });
  const cameras = new Map(data?.cameras.map(({ id, name }) => [id, name]));
  if (items.length === 0) return <p className="secondary">{empty}</p>;
  return (
    <ol className={styles.timeline}>
      {items.map((item) => (
        <li key={item.id}>
          <time className="figures" title={dateTime(item.at)}>
            {shortTime(item.at, now)}
          </time>
          <div>
            <p className={styles.words}>
              {timelineText(item, t, cameras)} {item.disputed ? <Disputed /> : null}
            </p>
            <p className="secondary">
              {short(item.site)} · {whoseEntry(item, items)}
              {item.author.name ? null : ` · ${t('timeline.bySystem')}`}
              {toMinute(item.recorded_at) === toMinute(item.at)
                ? null
                : ` · ${t('timeline.recordedAt', {
                    time: `${dayOf(item.recorded_at).slice(5)} ${clockSeconds(item.recorded_at)}`,
                  })}`}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
