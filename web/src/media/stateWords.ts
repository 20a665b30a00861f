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
/** Pictures decoded for so long without one being drawn: nobody sees the tile. */
const OUT_OF_SIGHT_AFTER_MS = 2_500;

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

/**
 * ms since the last picture; null before the first. `drawnAt` is when the tile drew a frame: nearer
 * to the truth than what the connection has decoded, which is read once a second only.
 */
export function pictureAge(
  { lastPictureAt }: SessionState,
  drawnAt: number | null,
  now: number,
): number | null {
  if (lastPictureAt === null) {
    return null;
  }
  const draws = drawnAt !== null && lastPictureAt - drawnAt <= OUT_OF_SIGHT_AFTER_MS;
  return Math.max(0, now - (draws ? drawnAt : lastPictureAt));
}
