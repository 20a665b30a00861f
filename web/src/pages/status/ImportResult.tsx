import { useTranslation } from 'react-i18next';
import type { Imported } from '@/api/model';
import { useSites } from '@/sites/useSites';
import { dateTime } from '@/time/format';
import { Facts } from './Facts';
import styles from './status.module.css';

const COUNTS = [
  'new',
  'known',
  'blobs',
  'blobs_without_room',
  'mended',
  'quarantined',
  'forks',
  'waiting',
] as const;

/** What an imported file came to. */
export function ImportResult({ result }: { result: Imported }) {
  const { t, i18n } = useTranslation();
  const { name } = useSites();
  const problem = `carry.problem.${result.problem}`;
  const shown = COUNTS.filter((one) => one === 'new' || one === 'known' || result[one] > 0);
  return (
    <div role="status">
      {result.problem ? (
        <p className={styles.problem}>
          {t(i18n.exists(problem) ? problem : 'carry.problem.altered')}
        </p>
      ) : (
        <p>
          {t('carry.done', {
            site: name(result.from ?? ''),
            time: dateTime(result.created_at ?? 0),
          })}
        </p>
      )}
      <Facts facts={shown.map((one) => ({ name: t(`carry.${one}`), value: result[one] }))} />
    </div>
  );
}
