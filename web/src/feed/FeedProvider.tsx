import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { api } from '@/api/client';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/queries';
import { applyFeed, resync, retryFailed } from './apply';
import { type FeedVia, runFeed } from './connection';

export interface FeedState {
  /** When anything last arrived, by this PC's clock; null before the first message. */
  lastAt: number | null;
  /** Since when there is no connection; null while there is one. */
  closedSince: number | null;
  via: FeedVia | null;
}

const START: FeedState = { lastAt: null, closedSince: null, via: null };
const FeedContext = createContext<FeedState>(START);

export const useFeedState = () => useContext(FeedContext);

function openSocket(after: string): WebSocket {
  const url = new URL('/api/v1/feed', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('after', after);
  return new WebSocket(url);
}

const world = {
  poll: (after: string | undefined, wait: number, signal: AbortSignal) =>
    api.feed({ after, wait }, signal),
  openSocket,
  now: () => Date.now(),
  random: () => Math.random(),
  isSignedOut: (error: unknown) => error instanceof ApiError && error.status === 401,
};

/** One feed for the whole signed-in app; it alone keeps the query caches true. */
export function FeedProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [state, setState] = useState<FeedState>(START);
  useEffect(() => {
    let broken = false;
    const alive = (via: FeedVia) => {
      setState({ lastAt: Date.now(), closedSince: null, via });
      if (broken) retryFailed(queries);
      broken = false;
    };
    return runFeed(world, {
      onMessage: (message, via) => {
        applyFeed(queries, message.rows, message.now);
        alive(via);
      },
      onStart: () => resync(queries),
      onOpen: () => alive('socket'),
      onClosed: () => {
        broken = true;
        setState((old) => ({ ...old, closedSince: old.closedSince ?? Date.now() }));
      },
      onSignedOut: () => queries.setQueryData(keys.session, null),
    });
  }, [queries]);
  return <FeedContext value={state}>{children}</FeedContext>;
}
