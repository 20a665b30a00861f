import { useTranslation } from 'react-i18next';
import { useFeedState } from '@/feed/FeedProvider';
import { networkWords } from '@/sites/network';
import { shortName, useSites } from '@/sites/useSites';
import { shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './Head.module.css';

export function NetworkAge() {
  const { t } = useTranslation();
  const { sites, query } = useSites();
  const { closedSince } = useFeedState();
  const now = useNow(30_000);
  const network = networkWords(sites);
  const text = () => {
    if (!network.cut) return t(`net.${network.words}`);
    const names = 'names' in network ? network.names.map(shortName).join(t('app.comma')) : '';
    if (network.since === null) return t(`net.${network.words}Unknown`, { names });
    return t(`net.${network.words}`, { time: shortTime(network.since, now), names });
  };
  if (query.isPending) return <p className={styles.network} />;
  // What is not reached itself cannot say whom it reaches.
  if (closedSince !== null) return <p className={styles.network}>{t('net.unknown')}</p>;
  return (
    <p className={network.cut ? styles.cut : styles.network} role="status" title={text()}>
      <span aria-hidden="true">{network.cut ? '▲ ' : '● '}</span>
      {text()}
    </p>
  );
}
