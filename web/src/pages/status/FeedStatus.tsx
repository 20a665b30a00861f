import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeedState } from '@/feed/FeedProvider';
import { brokenFor } from '@/feed/silence';
import { clockSeconds } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './status.module.css';

export function FeedStatus() {
  const { t } = useTranslation();
  const feed = useFeedState();
  const now = useNow(1000);
  const [startedAt] = useState(() => Date.now());
  const seconds = brokenFor(feed, startedAt, now);
  return (
    <section className={styles.panel}>
      <h2>{t('status.feed')}</h2>
      <p className="figures">
        {seconds === null ? t('status.feedLive') : t('status.feedDown', { n: seconds })}
        {feed.via ? ` · ${t(`status.feedVia.${feed.via}`)}` : null}
        {feed.lastAt === null
          ? null
          : ` · ${t('status.feedLast', { time: clockSeconds(feed.lastAt) })}`}
      </p>
    </section>
  );
}
