import { type RefObject, useEffect } from 'react';
import { useSound } from './sound';

type FrameCallbackVideo = HTMLVideoElement & {
  requestVideoFrameCallback?: (callback: () => void) => number;
};

function onFirstFrame(video: FrameCallbackVideo, shown: () => void): () => void {
  let wanted = true;
  const call = () => {
    if (wanted) {
      wanted = false;
      shown();
    }
  };
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback(call);
  } else {
    video.addEventListener('loadeddata', call, { once: true });
  }
  return () => {
    wanted = false;
    video.removeEventListener('loadeddata', call);
  };
}

/**
 * Plays `stream` in `element`. Pictures start muted; a voice the browser does not let sound by
 * itself plays muted too and is reported, so that one click brings it back.
 */
export function usePicture(
  element: RefObject<HTMLVideoElement | null>,
  stream: MediaStream | null,
  audible: boolean,
  shown: () => void,
): void {
  const { report, forget } = useSound();
  useEffect(() => {
    const video = element.current;
    if (video === null || stream === null) {
      return;
    }
    video.srcObject = stream;
    video.muted = !audible;
    const ignore = onFirstFrame(video, shown);
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
  }, [element, stream, audible, shown, report, forget]);
}
