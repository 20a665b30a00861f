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
const NOTHING_READ = ['not_carried', 'later_version', 'other_institution', 'not_for_us', 'own'];

/** What an imported file came to. */
export function ImportResult({ file, result }: { file: string; result: Imported }) {
  const { t } = useTranslation();
  const shown = COUNTS.filter((one) => one === 'new' || one === 'known' || result[one] > 0);
  const { problem, waiting, quarantined } = result;
  return (
    <div role={problem ? 'alert' : 'status'}>
      <Outcome file={file} result={result} />
      {problem && NOTHING_READ.includes(problem) ? null : (
        <Facts facts={shown.map((one) => ({ name: t(`carry.${one}`), value: result[one] }))} />
      )}
      {waiting > 0 ? <p>{t('carry.waitingHint', { n: waiting })}</p> : null}
      {quarantined > 0 ? <p>{t('carry.quarantinedHint', { n: quarantined })}</p> : null}
    </div>
  );
}

function Outcome({ file, result }: { file: string; result: Imported }) {
  const { t, i18n } = useTranslation();
  const { name } = useSites();
  if (result.problem) {
    const problem = `carry.problem.${result.problem}`;
    return (
      <p className={styles.problem}>
        {file}
        {t('app.colon')}
        {t(i18n.exists(problem) ? problem : 'carry.problem.altered')}
      </p>
    );
  }
  const nothing = result.new + result.blobs + result.mended + result.forks + result.waiting === 0;
  return (
    <>
      <p>
        {t('carry.done', {
          site: name(result.from ?? ''),
          time: dateTime(result.created_at ?? 0),
        })}
      </p>
      {nothing ? <p>{t('carry.nothingNew')}</p> : null}
    </>
  );
}
