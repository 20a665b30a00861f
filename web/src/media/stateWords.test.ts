import { expect, it, describe as suite } from 'vitest';
import { IDLE, type SessionState } from './session';
import { describe, pictureAge } from './stateWords';

const session = (part: Partial<SessionState>): SessionState => ({ ...IDLE, ...part });

suite('the words of a tile', () => {
  it('say connecting while nothing is wrong, even if the camera row is old', () => {
    const words = describe(
      session({ phase: 'connecting', since: 5 }),
      { reason: 'timeout', since: 1 },
      10,
    );
    expect(words).toEqual({ word: 'connecting', reason: null, since: 5 });
  });

  it('say reconnecting during a further try, with the first beginning', () => {
    const words = describe(
      session({ phase: 'connecting', since: 50, reason: 'network', troubleSince: 7 }),
      null,
      60,
    );
    expect(words).toEqual({ word: 'retrying', reason: 'network', since: 7 });
  });

  it('name the cut-off campus rather than what the browser sees', () => {
    const words = describe(
      session({ phase: 'retrying', reason: 'timeout', troubleSince: 90 }),
      { reason: 'site_unreachable', since: 30 },
      100,
    );
    expect(words).toEqual({ word: 'retrying', reason: 'site_unreachable', since: 30 });
  });

  it('promise no reconnection where the owner of the camera refuses', () => {
    const words = describe(
      session({ phase: 'retrying', reason: 'camera_unavailable', troubleSince: 90 }),
      { reason: 'not_admitted', since: 30 },
      100,
    );
    expect(words).toEqual({ word: 'refused', reason: 'not_admitted', since: 30 });
  });

  it('say sound only when the picture of a person stops', () => {
    const words = describe(
      session({ phase: 'playing', since: 1, lastMediaAt: 9_000, lastPictureAt: 2_000 }),
      null,
      9_000,
    );
    expect(words.word).toBe('soundOnly');
  });

  it('give the age of the last picture drawn, not of the last look at the connection', () => {
    expect(pictureAge(session({ lastPictureAt: 2_000 }), 1_100, 3_000)).toBe(1_900);
    expect(pictureAge(session({}), 1_100, 3_000)).toBeNull();
  });

  it('go by what is decoded where nothing is drawn, as in a tab behind another', () => {
    expect(pictureAge(session({ lastPictureAt: 9_000 }), 1_000, 9_400)).toBe(400);
    expect(pictureAge(session({ lastPictureAt: 9_000 }), null, 9_400)).toBe(400);
  });
});
