import { type RefObject, useEffect } from 'react';
import { watchFrames } from './frames';
import { useSound } from './sound';

/**
 * Plays `stream` in `element`. Pictures start muted; a voice the browser does not let sound by
 * itself plays muted too and is reported, so that one click brings it back. `shown` is called with
 * the first frame, `drawn` with others again and again.
 */
export function usePicture(
  element: RefObject<HTMLVideoElement | null>,
  stream: MediaStream | null,
  audible: boolean,
  shown: () => void,
  drawn: () => void,
): void {
  const { report, forget } = useSound();
  useEffect(() => {
    const video = element.current;
    if (video === null || stream === null) {
      return;
    }
    video.srcObject = stream;
    video.muted = !audible;
    const ignore = watchFrames(video, shown, drawn);
    video.play().catch((error: unknown) => {
      if (audible && error instanceof DOMException && error.name === 'NotAllowedError') {
        video.muted = true;
        report(video);
        // A muted element always may play; any other failure shows as a missing picture.
        video.play().catch(() => {});
      }
    });
    return () => {
      ignore();
      forget(video);
      video.srcObject = null;
    };
  }, [element, stream, audible, shown, drawn, report, forget]);
}
