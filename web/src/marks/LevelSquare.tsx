import { useTranslation } from 'react-i18next';
import styles from './marks.module.css';

const look: Record<string, string | undefined> = {
  I: styles.I,
  II: styles.II,
  III: styles.III,
  IV: styles.IV,
  ungraded: styles.ungraded,
};

/** An incident's level: a solid square with its numeral, and the word beside it where there is room. */
export function LevelSquare({ level, word = false }: { level: string | null; word?: boolean }) {
  const { t } = useTranslation();
  const text = t(`level.${level ?? 'none'}`);
  const sign = level === null ? '?' : level === 'ungraded' ? '–' : level;
  const square = (level ? look[level] : undefined) ?? styles.none;
  return (
    <span className={styles.level}>
      <span className={`${styles.square} ${square}`} title={text}>
        <span aria-hidden="true">{sign}</span>
        <span className="visually-hidden">
          {t('level.label')} {level} {text}
        </span>
      </span>
      {word ? <span aria-hidden="true">{text}</span> : null}
    </span>
  );
}
