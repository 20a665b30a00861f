import { useTranslation } from 'react-i18next';
import type { Site } from '@/api/model';
import styles from './status.module.css';

const figure = new Intl.NumberFormat('en-US');

/** How far a linked site and this one are behind each other, a bar for each direction. */
export function CatchingUp({ link }: { link: Site['link'] }) {
  const { t } = useTranslation();
  const lags = link.catching_up;
  if (!lags) {
    return link.state === 'up' && link.via === 'direct' ? t('status.caughtUp') : '—';
  }
  const bars = [
    { text: 'status.catchingUpIn', ...lags.incoming },
    { text: 'status.catchingUpOut', ...lags.outgoing },
  ] as const;
  return (
    <div className={styles.lags}>
      {bars
        .filter(({ of }) => of > 0)
        .map(({ text, missing, of }) => {
          const done = of - missing;
          const words = t(text, { done: figure.format(done), of: figure.format(of) });
          return (
            <div key={text}>
              <span className="figures">{words}</span>
              <progress value={done} max={of} aria-label={words} />
            </div>
          );
        })}
    </div>
  );
}
