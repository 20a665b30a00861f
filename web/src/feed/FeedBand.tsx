import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNow } from '@/time/useNow';
import styles from './FeedBand.module.css';
import { useFeedState } from './FeedProvider';
import { brokenFor } from './silence';

export function FeedBand() {
  const { t } = useTranslation();
  const now = useNow(1000);
  const [startedAt] = useState(() => Date.now());
  const seconds = brokenFor(useFeedState(), startedAt, now);
  return (
    <div role="status" aria-live="polite">
      {seconds === null ? null : (
        <p className={styles.band}>
          <span aria-hidden="true">▲ </span>
          <span aria-hidden="true">{t('feed.down', { n: seconds })}</span>
          <span className="visually-hidden">{t('net.down')}</span>
        </p>
      )}
    </div>
  );
}
