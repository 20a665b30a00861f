/** Frames that a video element draws. */

/** What is needed of the element; old browsers have no frame callback. */
export type FrameVideo = Pick<HTMLVideoElement, 'addEventListener' | 'removeEventListener'> & {
  requestVideoFrameCallback?: (callback: () => void) => number;
};

/** Every frame would keep a weak PC busy; so often is enough to see that they stop. */
const LOOK_EVERY_MS = 250;

/**
 * Calls `first` with the first frame and `drawn` with frames from then on, as far as the browser
 * tells of them. Returns how to stop.
 */
export function watchFrames(video: FrameVideo, first: () => void, drawn: () => void): () => void {
  let wanted = true;
  let seen = false;
  let timer: number | undefined;
  const frame = () => {
    if (!wanted) {
      return;
    }
    if (!seen) {
      seen = true;
      first();
    }
    drawn();
    timer = window.setTimeout(() => video.requestVideoFrameCallback?.(frame), LOOK_EVERY_MS);
  };
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback(frame);
  } else {
    video.addEventListener('loadeddata', frame, { once: true });
  }
  return () => {
    wanted = false;
    window.clearTimeout(timer);
    video.removeEventListener('loadeddata', frame);
  };
}
