import { useTranslation } from 'react-i18next';
import styles from './desk.module.css';

type Key = 'f2' | 'f4' | 'f8' | 'f9';

/** The F keys in words; each can be pressed by mouse too. */
export function KeyBar({ onKey }: { onKey: Record<Key, () => void> }) {
  const { t } = useTranslation();
  return (
    <section className={styles.keys} aria-label={t('desk.keys')}>
      {(['f2', 'f4', 'f8', 'f9'] as const).map((key) => (
        <button key={key} type="button" onClick={onKey[key]}>
          <kbd>{key.toUpperCase()}</kbd> {t(`desk.${key}`)}
        </button>
      ))}
      <span>
        <kbd>Ctrl+K</kbd> {t('desk.search')}
      </span>
      <span>
        <kbd>Ctrl+Enter</kbd> {t('form.submit')}
      </span>
    </section>
  );
}
