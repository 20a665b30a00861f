import type { FeedMessage } from '@/api/model';

export type FeedVia = 'socket' | 'poll';

export interface FeedHandlers {
  onMessage: (message: FeedMessage, via: FeedVia) => void;
  /** The first cursor is known: whatever was read before it may have missed a change. */
  onStart: () => void;
  /** The socket stands, though nothing may have come through it yet. */
  onOpen: () => void;
  onClosed: () => void;
  onSignedOut: () => void;
}

export interface FeedWorld {
  poll: (after: string | undefined, wait: number, signal: AbortSignal) => Promise<FeedMessage>;
  openSocket: (after: string) => WebSocket;
  now: () => number;
  random: () => number;
  isSignedOut: (error: unknown) => boolean;
}

const POLL_WAIT_S = 15;
const SOCKET_SILENT_MS = 40_000;
const OPEN_TIMEOUT_MS = 6_000;
const RETRY_SOCKET_MS = 5 * 60_000;
const MAX_BACKOFF_MS = 15_000;

/** Wait before try `n` (from 0): doubling from 0.5 s, at most 15 s, spread so desks do not return at once. */
export function backoff(n: number, random: number): number {
  return Math.min(MAX_BACKOFF_MS, 500 * 2 ** Math.min(n, 6)) * (0.5 + random / 2);
}

/**
 * Keeps the feed running until `stop`: a socket while upgrades pass, else the same rows by
 * long-poll with the same cursor, going back to the socket after a while.
 */
export function runFeed(world: FeedWorld, handlers: FeedHandlers): () => void {
  const abort = new AbortController();
  let cursor: string | undefined;
  let failures = 0;
  let socketRefusedAt: number | null = null;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      abort.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });

  const take = (message: FeedMessage, via: FeedVia) => {
    cursor = message.cursor;
    failures = 0;
    handlers.onMessage(message, via);
  };

  const socketWorthTrying = () =>
    socketRefusedAt === null || world.now() - socketRefusedAt > RETRY_SOCKET_MS;

  const overSocket = (after: string) =>
    new Promise<void>((resolve) => {
      const socket = world.openSocket(after);
      let opened = false;
      let watchdog = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
      const watch = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => socket.close(), SOCKET_SILENT_MS);
      };
      const stop = () => socket.close();
      abort.signal.addEventListener('abort', stop);
      socket.onopen = () => {
        opened = true;
        socketRefusedAt = null;
        watch();
        handlers.onOpen();
      };
      socket.onmessage = (event) => {
        watch();
        take(JSON.parse(String(event.data)) as FeedMessage, 'socket');
      };
      socket.onclose = () => {
        clearTimeout(watchdog);
        abort.signal.removeEventListener('abort', stop);
        if (!opened) socketRefusedAt = world.now();
        resolve();
      };
    });

  const byPoll = async (wait: number) => {
    let message: FeedMessage;
    try {
      message = await world.poll(cursor, wait, abort.signal);
    } catch (error) {
      // The site itself is away, so nothing is known about upgrades any more.
      socketRefusedAt = null;
      throw error;
    }
    if (!abort.signal.aborted) take(message, 'poll');
  };

  const step = async () => {
    if (cursor === undefined) {
      await byPoll(0);
      handlers.onStart();
    } else if (socketWorthTrying()) {
      await overSocket(cursor);
      if (!abort.signal.aborted && socketRefusedAt === null) throw new Error('feed socket closed');
    } else {
      await byPoll(POLL_WAIT_S);
    }
  };

  const run = async () => {
    while (!abort.signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (abort.signal.aborted) return;
        if (world.isSignedOut(error)) return handlers.onSignedOut();
        handlers.onClosed();
        await pause(backoff(failures++, world.random()));
      }
    }
  };

  void run();
  return () => abort.abort();
}
