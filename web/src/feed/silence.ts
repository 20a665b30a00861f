import type { FeedState } from './FeedProvider';

const SILENT_MS = 20_000;

/** Whole seconds the screen may have been out of date, or null while the feed is well. */
export function brokenFor(feed: FeedState, startedAt: number, now: number): number | null {
  const from = feed.lastAt ?? startedAt;
  const silent = now - from;
  if (feed.closedSince === null && silent <= SILENT_MS) return null;
  const since = feed.closedSince === null ? from : Math.min(feed.closedSince, from);
  return Math.max(0, Math.floor((now - since) / 1000));
}
