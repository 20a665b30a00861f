import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { newActionId } from '@/api/action-id';
import { api } from '@/api/client';
import type { DutyRecord, Fields } from '@/api/model';
import { keys } from '@/api/queries';
import { leaveOnExit } from './leaveOnExit';
import { type Membership, membership, OUTSIDE } from './membership';

export interface Room {
  membership: Membership;
  join: (listener: boolean) => void;
  leave: () => void;
  /** A listener opens microphone and camera after all. */
  speakUp: () => void;
  /** Runs one of the room's other actions; rejects with an `ApiError`. */
  act: (action: 'pin_camera' | 'unpin_camera' | 'close', fields: Fields) => Promise<void>;
  /** The action that is under way. */
  busy: string | null;
}

/** Joining and leaving, and everything else that writes into the record of the consultation. */
export function useRoom(record: DutyRecord): Room {
  const { id, consultation } = record;
  const queries = useQueryClient();
  const [state, dispatch] = useReducer(membership, OUTSIDE);
  const [busy, setBusy] = useState<string | null>(null);
  const mounted = useRef(true);

  const send = useCallback(
    async (action: string, fields: Fields): Promise<DutyRecord> => {
      setBusy(action);
      try {
        const answer = await api.act(id, action, fields, newActionId());
        queries.setQueryData<DutyRecord>(keys.record(id), (known) =>
          known !== undefined && known.rev > answer.rev ? known : answer,
        );
        return answer;
      } finally {
        setBusy(null);
      }
    },
    [id, queries],
  );

  useEffect(() => {
    if (consultation !== null) {
      dispatch({ type: 'record', consultation });
    }
  }, [consultation]);

  const participation = state.phase === 'inside' ? state.participation : null;
  useEffect(() => {
    if (participation === null) {
      return;
    }
    const exit = () => leaveOnExit(id, participation);
    window.addEventListener('pagehide', exit);
    return () => window.removeEventListener('pagehide', exit);
  }, [id, participation]);

  // Leaving the page for another one of the app leaves the room too.
  const inside = useRef<string | null>(null);
  inside.current = participation;
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
      if (inside.current !== null) {
        leaveOnExit(id, inside.current);
      }
    };
  }, [id]);

  const join = useCallback(
    (listener: boolean) => {
      dispatch({ type: 'join', listener });
      send('join', {}).then(
        ({ participation: mine }) => {
          if (mine === undefined) {
            dispatch({ type: 'refused', failure: new Error('no participation in the answer') });
          } else if (mounted.current) {
            dispatch({ type: 'joined', participation: mine });
          } else {
            leaveOnExit(id, mine);
          }
        },
        (failure: unknown) => dispatch({ type: 'refused', failure }),
      );
    },
    [id, send],
  );

  const leave = useCallback(() => {
    if (participation !== null) {
      dispatch({ type: 'left' });
      // The site records the leaving by itself if this call is lost.
      send('leave', { participation }).catch(() => {});
    }
  }, [participation, send]);

  const speakUp = useCallback(() => dispatch({ type: 'speakUp' }), []);

  const act = useCallback(
    async (action: 'pin_camera' | 'unpin_camera' | 'close', fields: Fields) => {
      await send(action, fields);
    },
    [send],
  );

  return { membership: state, join, leave, speakUp, act, busy };
}
