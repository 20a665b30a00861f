import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FeedMessage } from '@/api/model';
import { backoff, type FeedHandlers, runFeed } from './connection';

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;

  close() {
    if (this.closed) return;
    this.closed = true;
    this.onclose?.();
  }

  say(message: FeedMessage) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const message = (cursor: string): FeedMessage => ({ cursor, rows: [], now: 0 });

function world(upgrades: boolean) {
  const sockets: FakeSocket[] = [];
  const asked: { after: string | undefined; wait: number }[] = [];
  const opened: string[] = [];
  let pollFails: unknown = null;
  return {
    sockets,
    asked,
    opened,
    failPolls: (error: unknown) => {
      pollFails = error;
    },
    poll: async (after: string | undefined, wait: number, signal: AbortSignal) => {
      asked.push({ after, wait });
      if (pollFails) throw pollFails;
      if (wait > 0) {
        await new Promise<void>((resolve) => {
          setTimeout(resolve, wait * 1000);
          signal.addEventListener('abort', () => resolve());
        });
      }
      return message(`p${asked.length}`);
    },
    openSocket: (after: string) => {
      opened.push(after);
      const socket = new FakeSocket();
      sockets.push(socket);
      setTimeout(() => (upgrades ? socket.onopen?.() : socket.close()), 1);
      return socket as unknown as WebSocket;
    },
    now: () => Date.now(),
    random: () => 1,
    isSignedOut: (error: unknown) => error === 'signed out',
  };
}

const handlers = () =>
  ({
    onMessage: vi.fn(),
    onStart: vi.fn(),
    onOpen: vi.fn(),
    onClosed: vi.fn(),
    onSignedOut: vi.fn(),
  }) satisfies FeedHandlers;

let stop = () => {};
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe('the feed', () => {
  it('learns the cursor first, then takes the socket from there', async () => {
    const [w, h] = [world(true), handlers()];
    stop = runFeed(w, h);
    await vi.advanceTimersByTimeAsync(10);
    expect(h.onStart).toHaveBeenCalledOnce();
    expect(w.opened).toEqual(['p1']);
    w.sockets[0]?.say(message('7'));
    expect(h.onMessage).toHaveBeenLastCalledWith(message('7'), 'socket');
  });

  it('comes back with the last cursor after the socket broke', async () => {
    const [w, h] = [world(true), handlers()];
    stop = runFeed(w, h);
    await vi.advanceTimersByTimeAsync(10);
    w.sockets[0]?.say(message('7'));
    w.sockets[0]?.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(h.onClosed).toHaveBeenCalledOnce();
    expect(w.opened).toEqual(['p1', '7']);
  });

  it('gives up a socket that has fallen silent', async () => {
    const [w, h] = [world(true), handlers()];
    stop = runFeed(w, h);
    await vi.advanceTimersByTimeAsync(41_000);
    expect(w.sockets[0]?.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(w.sockets).toHaveLength(2);
  });

  it('polls with the same cursor where upgrades are blocked', async () => {
    const [w, h] = [world(false), handlers()];
    stop = runFeed(w, h);
    await vi.advanceTimersByTimeAsync(16_000);
    expect(w.asked.slice(0, 2)).toEqual([
      { after: undefined, wait: 0 },
      { after: 'p1', wait: 15 },
    ]);
    expect(h.onMessage).toHaveBeenLastCalledWith(message('p2'), 'poll');
    expect(h.onClosed).not.toHaveBeenCalled();
    expect(w.sockets).toHaveLength(1);
  });

  it('goes back to the socket after a while of polling', async () => {
    const w = world(false);
    stop = runFeed(w, handlers());
    await vi.advanceTimersByTimeAsync(6 * 60_000);
    expect(w.sockets).toHaveLength(2);
  });

  it('stops for good when the session is over', async () => {
    const [w, h] = [world(true), handlers()];
    w.failPolls('signed out');
    stop = runFeed(w, h);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(h.onSignedOut).toHaveBeenCalledOnce();
    expect(w.asked).toHaveLength(1);
  });

  it('waits longer with each failure, up to a bound', () => {
    expect([0, 1, 2, 9].map((n) => backoff(n, 1))).toEqual([500, 1000, 2000, 15_000]);
    expect(backoff(0, 0)).toBe(250);
  });
});
