import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import styles from './Head.module.css';

const places = [
  { to: '/desk', text: 'nav.desk' },
  { to: '/log', text: 'nav.log' },
  { to: '/incidents', text: 'nav.incidents' },
  { to: '/cameras', text: 'nav.cameras' },
  { to: '/status', text: 'nav.status' },
] as const;

export function Nav() {
  const { t } = useTranslation();
  return (
    <nav className={styles.nav} aria-label={t('app.mainNav')}>
      {places.map(({ to, text }) => (
        <Link
          key={to}
          to={to}
          className={styles.place}
          activeProps={{ className: styles.here, 'aria-current': 'page' }}
        >
          {t(text)}
        </Link>
      ))}
    </nav>
  );
}
