import { useTranslation } from 'react-i18next';
import styles from './marks.module.css';

/** The mark of what a revoked key signed beyond its cut. */
export function Disputed() {
  const { t } = useTranslation();
  return (
    <span className={styles.disputed} title={t('record.disputedWhy')}>
      {t('record.disputed')}
    </span>
  );
}
