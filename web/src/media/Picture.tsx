import type { RefObject } from 'react';
import css from './media.module.css';

interface Props {
  video: RefObject<HTMLVideoElement | null>;
  last: RefObject<HTMLCanvasElement | null>;
  /** The live picture, the last one, or neither. */
  shows: 'live' | 'last' | 'nothing';
}

/** The picture of a tile; both elements always exist, so that playing never waits for React. */
export function Picture({ video, last, shows }: Props) {
  const seen = (which: Props['shows']) => (shows === which ? '' : css.unseen);
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: a live picture has no captions to offer */}
      <video ref={video} className={`${css.video} ${seen('live')}`} autoPlay playsInline />
      <canvas ref={last} className={`${css.video} ${css.last} ${seen('last')}`} />
    </>
  );
}
