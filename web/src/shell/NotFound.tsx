import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import styles from './PageMessage.module.css';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <main className={styles.message}>
      <h1>{t('app.notFound')}</h1>
      <p className="secondary">{t('app.notFoundHint')}</p>
      <div className={styles.actions}>
        <Link to="/desk">{t('app.backToDesk')}</Link>
      </div>
    </main>
  );
}
