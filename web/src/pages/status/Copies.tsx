import { useTranslation } from 'react-i18next';
import type { CopiedSite } from '@/api/model';
import { clockSeconds, dateTime } from '@/time/format';
import styles from './status.module.css';

interface Props {
  copies: CopiedSite[];
  owner: (site: string) => string;
}

/** The alarm when a site's data directory runs on two machines. */
export function Copies({ copies, owner }: Props) {
  const { t } = useTranslation();
  return (
    <>
      {copies.map((copy) => (
        <div key={copy.site} role="alert" className={styles.part}>
          <p className={styles.cut}>
            {t('copies.alarm', { name: owner(copy.site), time: dateTime(copy.since) })}
          </p>
          <ul>
            {copy.starts.map((start) => (
              <li key={`${start.number}.${start.address}.${start.seen_at}`} className="figures">
                {t('copies.start', {
                  here: start.here ? t('copies.here') : '',
                  address: start.address ?? t('copies.unknown'),
                  incarnation: start.incarnation,
                  time: clockSeconds(start.seen_at),
                })}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  );
}
