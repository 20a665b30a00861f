import { useTranslation } from 'react-i18next';
import styles from './marks.module.css';

const glyphs: Record<string, string> = {
  received: '○',
  verifying: '◔',
  assessing: '◇',
  handling: '▶',
  handled: '■',
  final_report: '✓',
  archived: '▣',
  untrue: '✕',
  merged: '⇉',
  not_reported: '⊘',
  open: '▶',
  closed: '■',
  finished: '✓',
  todo: '○',
  doing: '▶',
  confirm: '◇',
  done: '✓',
};

/** An outline chip with glyph and word; never in a level's colour. */
export function StateChip({ state }: { state: string }) {
  const { t } = useTranslation();
  return (
    <span className={styles.chip}>
      <span aria-hidden="true">{glyphs[state] ?? '○'}</span> {t(`choices.state.${state}`)}
    </span>
  );
}
