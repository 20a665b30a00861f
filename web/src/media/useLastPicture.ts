import { type RefObject, useCallback } from 'react';

/** Wide enough to recognise what was last seen; small enough for nine tiles on a weak PC. */
const KEPT_WIDTH = 640;

/**
 * Keeps the last picture of `video` in `canvas` when called. To be called while the connection still
 * stands: a browser blackens the element as soon as its tracks end.
 */
export function useLastPicture(
  video: RefObject<HTMLVideoElement | null>,
  canvas: RefObject<HTMLCanvasElement | null>,
): () => void {
  return useCallback(() => {
    const from = video.current;
    const to = canvas.current;
    if (from === null || to === null || from.videoWidth === 0) {
      return;
    }
    to.width = Math.min(KEPT_WIDTH, from.videoWidth);
    to.height = Math.round((to.width * from.videoHeight) / from.videoWidth);
    to.getContext('2d')?.drawImage(from, 0, 0, to.width, to.height);
  }, [video, canvas]);
}
