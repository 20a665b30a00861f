import { type ReactNode, useCallback, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Layer } from './layer';
import css from './media.module.css';
import { Picture } from './Picture';
import type { Reason } from './reasons';
import type { SourceKind } from './receiving';
import { type Cause, describe, pictureAge } from './stateWords';
import { TileBar } from './TileBar';
import { TileState } from './TileState';
import { NAMESPACE } from './texts';
import { useAutoLayer } from './useAutoLayer';
import { useFullscreen } from './useFullscreen';
import { useLastPicture } from './useLastPicture';
import { useNow } from './useNow';
import { usePicture } from './usePicture';
import { useWhep } from './useWhep';
import { Watermark } from './Watermark';

interface Props {
  /** Camera id or participation id. */
  source: string;
  kind: SourceKind;
  name: string;
  /** Campus, and the place where it helps. */
  place: string;
  /** `auto` takes the layer that fits the tile. */
  layer?: Layer | 'auto';
  /** What is known about the source beside this session. */
  cause?: Cause | null;
  /** Whole sentences for reasons of which more is known than their name. */
  explain?: Partial<Record<Reason, string>>;
  /** Changes whenever trying at once may help. */
  nudge?: string;
  /** Shown in place of a picture while only the voice is there. */
  voiceOnly?: ReactNode;
  onClose?: () => void;
}

const NOTHING_MORE = {};

/** One live picture (and voice) in a tile that says in words what it is doing. */
export function LiveVideo({
  source,
  kind,
  name,
  place,
  layer = 'auto',
  cause = null,
  explain = NOTHING_MORE,
  nudge = '',
  voiceOnly = null,
  onClose,
}: Props) {
  const { t } = useTranslation(NAMESPACE);
  const tile = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const last = useRef<HTMLCanvasElement>(null);
  const keepPicture = useLastPicture(video, last);
  const now = useNow(500);
  const drawnAt = useRef<number | null>(null);
  const drawn = useCallback(() => {
    drawnAt.current = Date.now();
  }, []);
  const fitting = useAutoLayer(tile);
  const wanted = layer === 'auto' ? fitting : layer;
  const watching = useWhep(source, kind, wanted, nudge, keepPicture);
  const [full, toggleFull] = useFullscreen(tile);
  usePicture(video, watching.stream, kind === 'person', watching.pictureShown, drawn);

  const { session, speaking } = watching;
  const words = describe(session, cause, now);
  const age = pictureAge(session, drawnAt.current, now);
  const waitsForPicture = kind === 'person' && words.word === 'soundOnly';
  const fails = words.word !== 'playing' && words.word !== 'soundOnly';
  const hasPicture = age !== null;
  const stands = session.phase === 'playing' || session.phase === 'stalled';
  const shows = !hasPicture || waitsForPicture ? 'nothing' : stands ? 'live' : 'last';
  return (
    <figure
      ref={tile}
      className={`${css.tile} ${speaking ? css.speaking : ''}`}
      aria-label={t('tile', { name, place, state: t(`state.${words.word}`) })}
      data-source={source}
      data-phase={session.phase}
      data-reason={words.reason ?? ''}
      data-first-picture-ms={watching.firstPictureMs ?? ''}
    >
      <Picture video={video} last={last} shows={shows} />
      {hasPicture && !waitsForPicture && <Watermark />}
      {waitsForPicture && <div className={css.state}>{voiceOnly}</div>}
      {fails && (
        <TileState
          words={words}
          explain={(words.reason && explain[words.reason]) ?? null}
          now={now}
          overPicture={hasPicture}
          onTryNow={watching.tryNow}
        />
      )}
      <TileBar
        name={name}
        place={place}
        age={kind === 'camera' || !waitsForPicture ? age : null}
        full={full}
        onFullscreen={toggleFull}
        onClose={onClose}
      >
        {speaking && <span className={css.age}>{t('speaking')}</span>}
      </TileBar>
    </figure>
  );
}
