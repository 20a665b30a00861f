import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CloseIcon, EnlargeIcon, ShrinkIcon } from './icons';
import css from './media.module.css';
import { NAMESPACE } from './texts';

interface Props {
  name: string;
  place: string;
  /** ms since the last picture; null hides the age. */
  age: number | null;
  full: boolean;
  onFullscreen: () => void;
  onClose?: (() => void) | undefined;
  /** Further marks of the tile, such as a switched-off microphone. */
  children?: ReactNode;
}

/** ms up to which a picture counts as live: a camera may send one a second. */
const LIVE_MS = 1_500;

function Age({ age }: { age: number }) {
  const { t } = useTranslation(NAMESPACE);
  const seconds = Math.floor(age / 1_000);
  if (age <= LIVE_MS) {
    return <span className={css.age}>{t('live')}</span>;
  }
  const text =
    seconds < 120
      ? t('pictureAge', { seconds })
      : t('pictureAgeMinutes', { minutes: Math.floor(seconds / 60) });
  return <span className={`${css.age} ${css.old}`}>{text}</span>;
}

/** The foot of a tile: whose picture, how old, and what can be done with it. */
export function TileBar({ name, place, age, full, onFullscreen, onClose, children }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const fullLabel = t(full ? 'exitFullscreen' : 'fullscreen', { name });
  return (
    <figcaption className={css.bar}>
      <span className={css.names} title={`${name} ${place}`}>
        {name}
        <span className={css.place}>{place}</span>
      </span>
      {children}
      {age !== null && <Age age={age} />}
      <button
        type="button"
        className={css.button}
        aria-label={fullLabel}
        title={fullLabel}
        onClick={onFullscreen}
      >
        {full ? <ShrinkIcon /> : <EnlargeIcon />}
      </button>
      {onClose && (
        <button
          type="button"
          className={css.button}
          aria-label={t('close', { name })}
          title={t('close', { name })}
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      )}
    </figcaption>
  );
}
