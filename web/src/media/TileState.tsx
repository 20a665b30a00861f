import { useTranslation } from 'react-i18next';
import { shortTime } from '@/time/format';
import css from './media.module.css';
import type { StateWords } from './stateWords';
import { NAMESPACE } from './texts';

interface Props {
  words: StateWords;
  /** A sentence that says more than the reason, such as since when a campus is cut off. */
  explain: string | null;
  now: number;
  /** True when an older picture is still to be seen underneath. */
  overPicture: boolean;
  onTryNow: () => void;
}

/** A wait shorter than this needs no spinner. */
const SPINNER_AFTER_MS = 1_000;

/** What a tile says instead of (or over) its picture. */
export function TileState({ words, explain, now, overPicture, onTryNow }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const waiting = words.word === 'connecting' || words.word === 'retrying';
  const spins = waiting && now - (words.since ?? now) >= SPINNER_AFTER_MS;
  // A person who only listens is no failure, so nothing turns and nothing is to be pressed.
  const calm = words.reason === 'not_found' && explain !== null;
  const reason = explain ?? (words.reason && t(`reason.${words.reason}`));
  return (
    <div className={`${css.state} ${overPicture ? css.overPicture : ''}`}>
      {spins && !calm && <span className={css.spinner} aria-hidden="true" />}
      {!calm && <span className={css.word}>{t(`state.${words.word}`)}</span>}
      {reason && <span className={css.explain}>{reason}</span>}
      {reason && !explain && words.since !== null && (
        <span className="figures">{t('sinceTime', { time: shortTime(words.since, now) })}</span>
      )}
      {words.reason && words.word !== 'stalled' && !calm && (
        <button type="button" className={css.text} onClick={onTryNow}>
          {t('tryNow')}
        </button>
      )}
    </div>
  );
}
