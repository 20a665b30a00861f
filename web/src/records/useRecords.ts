import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { RecordQuery } from '@/api/model';
import { recordsQuery } from '@/api/queries';
import { useFeedState } from '@/feed/FeedProvider';

/** A live list: its rows, and how old they may be. */
export function useRecords(query: RecordQuery) {
  const list = useInfiniteQuery(recordsQuery(query));
  const { lastAt } = useFeedState();
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const readAt = list.data?.pages[0]?.as_of ?? null;
  // A feed that runs keeps the list as true as its last message.
  const asOf = readAt === null ? null : Math.max(readAt, lastAt ?? 0);
  return { list, rows, asOf };
}
