/** What a tile says about its session: a word, a reason and since when. Pure. */
import { needsPerson, type Reason } from './reasons';
import type { SessionState } from './session';

/** Keys of `media:state.*`. */
export type StateWord =
  | 'idle'
  | 'connecting'
  | 'playing'
  | 'soundOnly'
  | 'stalled'
  | 'retrying'
  | 'refused'
  | 'ended';

/** What is known beside the session itself: the camera's own state, or its campus being cut off. */
export interface Cause {
  reason: Reason;
  /** ms since the epoch. */
  since: number | null;
}

export interface StateWords {
  word: StateWord;
  reason: Reason | null;
  since: number | null;
}

/** A picture older than this is no longer shown as live. */
export const PICTURE_OLD_AFTER_MS = 3_000;

/**
 * `cause` explains a session that fails (the campus is cut off, the camera refuses the password):
 * it is nearer to the truth than what this browser can see. A playing session needs no cause.
 */
export function describe(session: SessionState, cause: Cause | null, now: number): StateWords {
  if (session.phase === 'playing') {
    const pictureAge = session.lastPictureAt === null ? null : now - session.lastPictureAt;
    const seen = pictureAge !== null && pictureAge <= PICTURE_OLD_AFTER_MS;
    return { word: seen ? 'playing' : 'soundOnly', reason: null, since: session.since };
  }
  if (session.phase === 'idle') {
    return { word: 'idle', reason: null, since: null };
  }
  const trouble = session.reason !== null;
  if (!trouble) {
    return { word: session.phase, reason: null, since: session.since };
  }
  const again = session.phase === 'connecting' ? 'retrying' : session.phase;
  return {
    word: cause !== null && needsPerson(cause.reason) ? 'refused' : again,
    reason: cause?.reason ?? session.reason,
    since: cause?.since ?? session.troubleSince,
  };
}

/** Whole seconds since the last picture; null before the first. */
export function pictureAge(session: SessionState, now: number): number | null {
  return session.lastPictureAt === null
    ? null
    : Math.max(0, Math.floor((now - session.lastPictureAt) / 1_000));
}
