import { useTranslation } from 'react-i18next';
import feed from '@/feed/FeedBand.module.css';
import { useSites } from '@/sites/useSites';
import { shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';

/** Says on every page of a site whose data directory runs on two machines what is to be done. */
export function CopiedBand() {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const since = useSites().self?.copied_since;
  if (since === undefined || since === null) return null;
  return (
    <p role="alert" className={feed.band}>
      <span aria-hidden="true">▲ </span>
      {t('net.copied', { time: shortTime(since, now) })}
    </p>
  );
}
