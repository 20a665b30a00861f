import { describe, expect, it } from 'vitest';
import {
  backOff,
  FIRST_MEDIA_WITHIN_MS,
  IDLE,
  type SessionEvent,
  type SessionState,
  SHAKY_FOR_MS,
  STALL_GIVES_UP_MS,
  STALLED_AFTER_MS,
  STEADY_AFTER_MS,
  step,
} from './session';

/** Plays events at given moments and keeps the effects they asked for. */
function play(...events: [number, SessionEvent][]): { state: SessionState; effects: string[] } {
  let state = IDLE;
  const effects: string[] = [];
  for (const [now, event] of events) {
    const next = step(state, event, now);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}

const start: SessionEvent = { type: 'start' };
const tick: SessionEvent = { type: 'tick' };
const picture: SessionEvent = { type: 'media', picture: true };
const sound: SessionEvent = { type: 'media', picture: false };
const refused = (reason: 'site_unreachable' | 'forbidden' | 'viewer_limit'): SessionEvent => ({
  type: 'refused',
  reason,
});

describe('a watched picture', () => {
  it('opens once however often it is started', () => {
    const { state, effects } = play([0, start], [5, start]);
    expect(state.phase).toBe('connecting');
    expect(effects).toEqual(['open']);
  });

  it('plays from the first decoded picture', () => {
    const { state } = play([0, start], [250, picture]);
    expect(state).toMatchObject({ phase: 'playing', since: 250, lastPictureAt: 250, reason: null });
  });

  it('counts sound as life but not as a picture', () => {
    const { state } = play([0, start], [250, sound]);
    expect(state).toMatchObject({ phase: 'playing', lastMediaAt: 250, lastPictureAt: null });
  });

  it('is stalled after three seconds without media, since the last picture', () => {
    const { state } = play([0, start], [100, picture], [100 + STALLED_AFTER_MS, tick]);
    expect(state).toMatchObject({ phase: 'stalled', troubleSince: 100, reason: 'stream_ended' });
  });

  it('plays again when a stalled picture moves, without a new session', () => {
    const { state, effects } = play([0, start], [100, picture], [3_100, tick], [5_000, picture]);
    expect(state).toMatchObject({ phase: 'playing', reason: null, troubleSince: null });
    expect(effects).toEqual(['open']);
  });

  it('asks for a new session when the stall lasts', () => {
    const stalledAt = 100 + STALLED_AFTER_MS;
    const { state, effects } = play(
      [0, start],
      [100, picture],
      [stalledAt, tick],
      [stalledAt + STALL_GIVES_UP_MS + 1, tick],
    );
    expect(state).toMatchObject({ phase: 'retrying', reason: 'stream_ended', troubleSince: 100 });
    expect(effects).toEqual(['open', 'close']);
  });

  it('gives up a try that brings no picture in time', () => {
    const { state } = play([0, start], [FIRST_MEDIA_WITHIN_MS + 1, tick]);
    expect(state).toMatchObject({ phase: 'retrying', reason: 'timeout' });
  });

  it('outlives a short disconnection', () => {
    const { state } = play(
      [0, start],
      [100, picture],
      [200, { type: 'transport', state: 'shaky' }],
      [900, { type: 'transport', state: 'up' }],
      [1_000, picture],
      [200 + SHAKY_FOR_MS + 1, tick],
    );
    expect(state.phase).toBe('playing');
  });

  it('reconnects after three seconds of disconnection', () => {
    const { state, effects } = play(
      [0, start],
      [100, picture],
      [200, { type: 'transport', state: 'shaky' }],
      [200 + SHAKY_FOR_MS + 1, tick],
    );
    expect(state).toMatchObject({ phase: 'retrying', reason: 'network' });
    expect(effects).toEqual(['open', 'close']);
  });

  it('reconnects at once when the transport is lost', () => {
    const { state } = play([0, start], [100, picture], [150, { type: 'transport', state: 'lost' }]);
    expect(state).toMatchObject({ phase: 'retrying', retryAt: 1_150 });
  });

  it('keeps the reason and its beginning through every try', () => {
    const { state } = play(
      [0, start],
      [10, refused('site_unreachable')],
      [1_010, tick],
      [1_020, refused('site_unreachable')],
    );
    expect(state).toMatchObject({
      phase: 'retrying',
      failures: 2,
      reason: 'site_unreachable',
      troubleSince: 10,
      retryAt: 3_020,
    });
  });

  it('waits at least as long as the site asks for', () => {
    const { state } = play(
      [0, start],
      [10, { type: 'refused', reason: 'viewer_limit', retryAfterMs: 20_000 }],
    );
    expect(state.retryAt).toBe(20_010);
  });

  it('keeps waiting short for somebody who is about to publish', () => {
    const expected: SessionEvent = { type: 'refused', reason: 'not_found', withinMs: 5_000 };
    let state: SessionState = IDLE;
    for (const now of [0, 60_000, 120_000, 180_000, 240_000]) {
      state = step(step(state, now === 0 ? start : tick, now).state, expected, now).state;
    }
    expect(state).toMatchObject({ phase: 'retrying', failures: 5, retryAt: 245_000 });
  });

  it('tries at once when nudged by news from the feed', () => {
    const { state, effects } = play(
      [0, start],
      [10, refused('site_unreachable')],
      [50, { type: 'nudge' }],
    );
    expect(state.phase).toBe('connecting');
    expect(effects).toEqual(['open', 'close', 'open']);
  });

  it('does not try again what a person must cure', () => {
    const { state, effects } = play([0, start], [10, refused('forbidden')], [90_000, tick]);
    expect(state).toMatchObject({ phase: 'ended', reason: 'forbidden' });
    expect(effects).toEqual(['open', 'close']);
  });

  it('can be started again by hand after it ended', () => {
    const { state } = play([0, start], [10, refused('forbidden')], [20, start]);
    expect(state).toMatchObject({ phase: 'connecting', reason: null, failures: 0 });
  });

  it('ignores late media of a closed session', () => {
    const { state } = play([0, start], [10, { type: 'stop' }], [11, picture]);
    expect(state.phase).toBe('idle');
  });

  it('forgets failures after steady playing', () => {
    const { state } = play(
      [0, start],
      [10, refused('site_unreachable')],
      [1_010, tick],
      [1_100, picture],
      [1_100 + STEADY_AFTER_MS, picture],
    );
    expect(state.failures).toBe(0);
  });
});

describe('the back-off', () => {
  it('grows to half a minute and stays there', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map((n) => backOff(n, 0))).toEqual([
      1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('is spread by at most a quarter', () => {
    expect(backOff(2, 1)).toBe(2_500);
  });
});
