/**
 * One media session (a picture watched, or an own camera published) as a pure state machine:
 * (state, event, now) → state and what the driver must do. No clock, no timers, no WebRTC here.
 */
import { isFinal, type Reason } from './reasons';

export type Phase = 'idle' | 'connecting' | 'playing' | 'stalled' | 'retrying' | 'ended';

export interface SessionState {
  phase: Phase;
  /** When this phase began, ms since the epoch. */
  since: number;
  /** Why the session is not playing; null while nothing is wrong. Kept through the next tries. */
  reason: Reason | null;
  /** Since when it has been failing, over all tries; null while nothing is wrong. */
  troubleSince: number | null;
  /** Failed tries since the last steady playing. */
  failures: number;
  /** When the next try starts; only while retrying. */
  retryAt: number | null;
  /** Last time any media came (a decoded frame, or sound where sound alone counts). */
  lastMediaAt: number | null;
  /** Last time a picture was decoded. */
  lastPictureAt: number | null;
  /** Since when the transport has reported `disconnected`. */
  shakyAt: number | null;
}

export type SessionEvent =
  | { type: 'start' }
  | { type: 'stop' }
  | { type: 'media'; picture: boolean }
  | { type: 'transport'; state: 'up' | 'shaky' | 'lost' }
  | {
      type: 'refused';
      reason: Reason;
      /** Wait at least so long: the site asked for it. */
      retryAfterMs?: number | undefined;
      /** Wait at most so long: the source is expected any moment. */
      withinMs?: number | undefined;
    }
  | { type: 'nudge' }
  | { type: 'tick' };

export type Effect = 'open' | 'close';

export interface Step {
  state: SessionState;
  effects: readonly Effect[];
}

/** A camera at 1 frame a second is still alive; three silent seconds are not. */
export const STALLED_AFTER_MS = 3_000;
/** `disconnected` often heals by itself within this time. */
export const SHAKY_FOR_MS = 3_000;
/** Longest wait for a first picture: a cold camera with a 10 s key-frame distance still makes it. */
export const FIRST_MEDIA_WITHIN_MS = 15_000;
/** The site keeps viewers attached while it reconnects a camera, so a new session is the last resort. */
export const STALL_GIVES_UP_MS = 15_000;
/** Playing this long forgives earlier failures. */
export const STEADY_AFTER_MS = 10_000;

const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const;
const LONGEST_BACK_OFF_MS = 30_000;

export const IDLE: SessionState = {
  phase: 'idle',
  since: 0,
  reason: null,
  troubleSince: null,
  failures: 0,
  retryAt: null,
  lastMediaAt: null,
  lastPictureAt: null,
  shakyAt: null,
};

/**
 * Wait before try number `failures` (from 1), in ms. `jitter` in 0..1 spreads the viewers of one
 * restarted site over a quarter of the wait.
 */
export function backOff(failures: number, jitter: number): number {
  const base = BACK_OFF_MS[Math.max(0, failures - 1)] ?? LONGEST_BACK_OFF_MS;
  return Math.round(base * (1 + jitter / 4));
}

function same(state: SessionState): Step {
  return { state, effects: [] };
}

function connect(state: SessionState, now: number): Step {
  const next: SessionState = {
    ...state,
    phase: 'connecting',
    since: now,
    retryAt: null,
    lastMediaAt: null,
    shakyAt: null,
  };
  return { state: next, effects: ['open'] };
}

interface Wait {
  retryAfterMs?: number | undefined;
  withinMs?: number | undefined;
}

function fail(
  state: SessionState,
  reason: Reason,
  now: number,
  jitter: number,
  { retryAfterMs = 0, withinMs = Number.POSITIVE_INFINITY }: Wait = {},
): Step {
  const failed = {
    ...state,
    since: now,
    reason,
    troubleSince: state.troubleSince ?? now,
    shakyAt: null,
  };
  if (isFinal(reason)) {
    return { state: { ...failed, phase: 'ended', retryAt: null }, effects: ['close'] };
  }
  const failures = state.failures + 1;
  const wait = Math.max(Math.min(backOff(failures, jitter), withinMs), retryAfterMs);
  return {
    state: { ...failed, phase: 'retrying', failures, retryAt: now + wait },
    effects: ['close'],
  };
}

function onMedia(state: SessionState, picture: boolean, now: number): Step {
  if (state.phase === 'idle' || state.phase === 'ended' || state.phase === 'retrying') {
    return same(state);
  }
  const steady = state.phase === 'playing' && now - state.since >= STEADY_AFTER_MS;
  return same({
    ...state,
    phase: 'playing',
    since: state.phase === 'playing' ? state.since : now,
    reason: null,
    troubleSince: null,
    failures: steady ? 0 : state.failures,
    lastMediaAt: now,
    lastPictureAt: picture ? now : state.lastPictureAt,
  });
}

function onTick(state: SessionState, now: number, jitter: number): Step {
  if (state.shakyAt !== null && now - state.shakyAt > SHAKY_FOR_MS) {
    return fail(state, 'network', now, jitter);
  }
  switch (state.phase) {
    case 'connecting':
      return now - state.since > FIRST_MEDIA_WITHIN_MS
        ? fail(state, 'timeout', now, jitter)
        : same(state);
    case 'playing':
      return state.lastMediaAt !== null && now - state.lastMediaAt >= STALLED_AFTER_MS
        ? same({
            ...state,
            phase: 'stalled',
            since: now,
            reason: 'stream_ended',
            troubleSince: state.lastMediaAt,
          })
        : same(state);
    case 'stalled':
      return now - state.since > STALL_GIVES_UP_MS
        ? fail(state, 'stream_ended', now, jitter)
        : same(state);
    case 'retrying':
      return state.retryAt !== null && now >= state.retryAt ? connect(state, now) : same(state);
    default:
      return same(state);
  }
}

function onTransport(
  state: SessionState,
  transport: 'up' | 'shaky' | 'lost',
  now: number,
  jitter: number,
): Step {
  if (state.phase === 'idle' || state.phase === 'ended' || state.phase === 'retrying') {
    return same(state);
  }
  if (transport === 'lost') {
    return fail(state, 'network', now, jitter);
  }
  return same({ ...state, shakyAt: transport === 'shaky' ? (state.shakyAt ?? now) : null });
}

/** The next state and what the driver must do about it. `jitter` in 0..1 is drawn by the driver. */
export function step(state: SessionState, event: SessionEvent, now: number, jitter = 0): Step {
  switch (event.type) {
    case 'start':
      return state.phase === 'idle' || state.phase === 'ended'
        ? connect({ ...IDLE }, now)
        : same(state);
    case 'stop':
      return state.phase === 'idle'
        ? same(state)
        : { state: { ...IDLE, since: now }, effects: ['close'] };
    case 'media':
      return onMedia(state, event.picture, now);
    case 'transport':
      return onTransport(state, event.state, now, jitter);
    case 'refused':
      return state.phase === 'connecting'
        ? fail(state, event.reason, now, jitter, event)
        : same(state);
    case 'nudge':
      return state.phase === 'retrying' ? connect(state, now) : same(state);
    case 'tick':
      return onTick(state, now, jitter);
  }
}
