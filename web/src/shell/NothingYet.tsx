import { useTranslation } from 'react-i18next';
import styles from './PageMessage.module.css';

/** What a person without duties sees, instead of pages that the site would all refuse. */
export function NothingYet() {
  const { t } = useTranslation();
  return (
    <div className={styles.message}>
      <h1>{t('app.nothingYet')}</h1>
      <p>{t('app.nothingYetHint')}</p>
    </div>
  );
}
