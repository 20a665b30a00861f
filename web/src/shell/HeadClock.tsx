import { useTranslation } from 'react-i18next';
import { clockSeconds, dayOf } from '@/time/format';
import { useNow } from '@/time/useNow';
import styles from './Head.module.css';

export function HeadClock() {
  const { i18n } = useTranslation();
  const now = useNow(1000);
  const weekday = new Intl.DateTimeFormat(i18n.language, {
    weekday: 'short',
    timeZone: 'Asia/Shanghai',
  }).format(now);
  return (
    <time className={styles.clock}>
      <span className="secondary">
        {dayOf(now).slice(5)} {weekday}
      </span>{' '}
      {clockSeconds(now)}
    </time>
  );
}
