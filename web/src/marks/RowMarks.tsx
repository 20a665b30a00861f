import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import { Disputed } from './Disputed';
import styles from './marks.module.css';

/**
 * What an officer must see of a row beyond its words: not verified, disputed, amended, sensitive,
 * held only here.
 */
export function RowMarks({ row }: { row: RecordRow }) {
  const { t } = useTranslation();
  return (
    <>
      {row.provisional ? (
        <span className={styles.onlyHere} title={t('record.provisionalHint')}>
          {t('record.provisional')}
        </span>
      ) : null}
      {row.disputed ? <Disputed /> : null}
      {row.amended === 'none' ? null : (
        <span className={styles.mark}>{t(`choices.type.${row.amended}`)}</span>
      )}
      {row.sensitive ? <span className={styles.mark}>{t('record.sensitive')}</span> : null}
      {row.attached > 0 ? (
        <span
          className={styles.mark}
          role="img"
          aria-label={t('attachments.count', { n: row.attached })}
        >
          <PaperClip /> {row.attached}
        </span>
      ) : null}
      {row.acked ? null : (
        <span className={styles.onlyHere} title={t('record.onlyHereHint')}>
          {t('record.onlyHere')}
        </span>
      )}
    </>
  );
}

function PaperClip() {
  return (
    <svg width="10" height="12" viewBox="0 0 10 12" aria-hidden="true" focusable="false">
      <path
        d="M8.5 5.2 5 9.3a2 2 0 0 1-3-2.6l3.8-4.4a1.3 1.3 0 0 1 2 1.7L4.2 8.2"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.1"
        strokeLinecap="round"
      />
    </svg>
  );
}
