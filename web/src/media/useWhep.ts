import { useCallback, useEffect, useRef, useState } from 'react';
import type { Layer } from './layer';
import type { SourceKind } from './receiving';
import { IDLE, type SessionState } from './session';
import { WhepPlayer } from './whep';

export interface Watching {
  session: SessionState;
  stream: MediaStream | null;
  speaking: boolean;
  /** Click → first picture in ms, once known. */
  firstPictureMs: number | null;
  /** To be called when the page has shown a picture. */
  pictureShown: () => void;
  /** Tries at once, whatever the wait. */
  tryNow: () => void;
}

/**
 * Watches `source` while mounted. Nothing starts before `layer` is known; a change of `nudge`
 * (news about the source) cuts the wait before the next try short. `keepPicture` is called before a
 * connection closes.
 */
export function useWhep(
  source: string,
  kind: SourceKind,
  layer: Layer | null,
  nudge: string,
  keepPicture: () => void,
): Watching {
  const [session, setSession] = useState<SessionState>(IDLE);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [speaking, setSpeaking] = useState(false);
  const [firstPictureMs, setFirstPictureMs] = useState<number | null>(null);
  const player = useRef<WhepPlayer | null>(null);
  const wanted = useRef(layer);
  wanted.current = layer;
  const ready = layer !== null;

  useEffect(() => {
    if (!ready) {
      return;
    }
    const watching = new WhepPlayer(source, kind, wanted.current ?? 'sub', {
      state: setSession,
      stream: setStream,
      closing: keepPicture,
      speaking: setSpeaking,
    });
    player.current = watching;
    watching.start();
    return () => {
      player.current = null;
      watching.stop();
    };
  }, [source, kind, ready, keepPicture]);

  useEffect(() => {
    if (layer !== null) {
      player.current?.setLayer(layer);
    }
  }, [layer]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new `nudge` is the event itself
  useEffect(() => {
    player.current?.nudge();
  }, [nudge]);

  const pictureShown = useCallback(() => {
    const ms = player.current?.pictureShown() ?? null;
    if (ms !== null) {
      setFirstPictureMs(ms);
    }
  }, []);
  const tryNow = useCallback(() => {
    player.current?.nudge();
    player.current?.start();
  }, []);

  return { session, stream, speaking, firstPictureMs, pictureShown, tryNow };
}
