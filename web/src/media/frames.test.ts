import { afterEach, beforeEach, expect, it, describe as suite, vi } from 'vitest';
import { type FrameVideo, watchFrames } from './frames';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function video() {
  let asked: (() => void) | null = null;
  const element: FrameVideo = {
    addEventListener: () => {},
    removeEventListener: () => {},
    requestVideoFrameCallback: (callback) => {
      asked = callback;
      return 1;
    },
  };
  const frame = () => {
    const callback = asked;
    asked = null;
    callback?.();
  };
  return { element, frame, isAsked: () => asked !== null };
}

suite('frames of a tile', () => {
  it('are told of while they come, the first one by itself, and not each one', () => {
    const { element, frame, isAsked } = video();
    const [first, drawn] = [vi.fn(), vi.fn()];
    watchFrames(element, first, drawn);
    frame();
    expect([first, drawn].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    expect(isAsked()).toBe(false);
    vi.advanceTimersByTime(250);
    frame();
    expect([first, drawn].map(({ mock }) => mock.calls.length)).toEqual([1, 2]);
  });

  it('are not told of any more once the tile is gone', () => {
    const { element, frame, isAsked } = video();
    const drawn = vi.fn();
    const stop = watchFrames(element, () => {}, drawn);
    frame();
    stop();
    vi.advanceTimersByTime(1_000);
    expect([drawn.mock.calls.length, isAsked()]).toEqual([1, false]);
  });
});
