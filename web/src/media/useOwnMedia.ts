import { useCallback, useEffect, useRef, useState } from 'react';
import { NO_MEDIA, OwnMedia, type OwnMediaState } from './ownMedia';

export interface OwnMediaControl extends OwnMediaState {
  toggleMic: () => void;
  toggleCamera: () => void;
  /** Opens the devices anew, after something was plugged in or permitted. */
  tryDevices: () => void;
}

/** Publishes own camera and microphone for `participation`; null sends nothing. */
export function useOwnMedia(participation: string | null): OwnMediaControl {
  const [state, setState] = useState(NO_MEDIA);
  const media = useRef<OwnMedia | null>(null);
  useEffect(() => {
    if (participation === null) {
      return;
    }
    const own = new OwnMedia(participation, setState);
    media.current = own;
    void own.start();
    return () => {
      media.current = null;
      own.stop();
    };
  }, [participation]);
  const toggleMic = useCallback(() => media.current?.toggleMic(), []);
  const toggleCamera = useCallback(() => void media.current?.toggleCamera(), []);
  const tryDevices = useCallback(() => void media.current?.start(), []);
  return { ...state, toggleMic, toggleCamera, tryDevices };
}
