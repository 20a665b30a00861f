/** Whether this page is in the room, as a pure reducer; the site's record has the last word. */
import type { Consultation } from '@/api/model';

/** Before the door; `note` says how the last stay ended, `failure` why joining did not work. */
export interface Outside {
  phase: 'outside';
  note: 'left' | 'dropped' | null;
  failure: unknown;
}

export type Membership =
  | Outside
  | { phase: 'joining'; listener: boolean }
  | { phase: 'inside'; participation: string; listener: boolean };

export type MembershipEvent =
  | { type: 'join'; listener: boolean }
  | { type: 'joined'; participation: string }
  | { type: 'refused'; failure: unknown }
  | { type: 'left' }
  | { type: 'speakUp' }
  | { type: 'record'; consultation: Consultation };

export const OUTSIDE: Outside = { phase: 'outside', note: null, failure: null };

/**
 * `dropped` means the site has recorded that we left although this page did not: it heard nothing
 * from us for too long. A record without our stay is merely older than our joining.
 */
export function membership(state: Membership, event: MembershipEvent): Membership {
  switch (event.type) {
    case 'join':
      return state.phase === 'outside' ? { phase: 'joining', listener: event.listener } : state;
    case 'joined':
      return state.phase === 'joining'
        ? { phase: 'inside', participation: event.participation, listener: state.listener }
        : state;
    case 'refused':
      return state.phase === 'joining' ? { ...OUTSIDE, failure: event.failure } : state;
    case 'left':
      return state.phase === 'inside' ? { ...OUTSIDE, note: 'left' } : state;
    case 'speakUp':
      return state.phase === 'inside' ? { ...state, listener: false } : state;
    case 'record': {
      if (state.phase !== 'inside') {
        return state;
      }
      if (event.consultation.state === 'closed') {
        return OUTSIDE;
      }
      const mine = event.consultation.participants.find(
        (one) => one.participation === state.participation,
      );
      return mine !== undefined && mine.left_at !== null ? { ...OUTSIDE, note: 'dropped' } : state;
    }
  }
}
