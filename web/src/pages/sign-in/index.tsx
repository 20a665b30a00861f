import { useTranslation } from 'react-i18next';
import { Preferences } from '@/shell/Preferences';
import { SignInForm } from './SignInForm';
import styles from './sign-in.module.css';

export function SignInPage() {
  const { t } = useTranslation();
  return (
    <div className={styles.page}>
      <div className={styles.top}>
        <Preferences />
      </div>
      <main className={styles.card}>
        <p className={styles.brand}>{t('app.name')}</p>
        <h1>{t('signIn.title')}</h1>
        <SignInForm />
        <p className="secondary">{t('signIn.help')}</p>
      </main>
      <footer className="secondary">{t('app.footer')}</footer>
    </div>
  );
}
