import { useEffect, useMemo } from 'react';
import { newestFirst } from '@/feed/reducer';
import { useRecords } from '@/records/useRecords';

const OPEN = { kind: ['log_item', 'incident'], open: true };
const MOST_PAGES = 10;

/**
 * Everything open, oldest first. The site lists newest first, so all pages are read up to a bound
 * a duty room does not reach.
 */
export function useOpenRecords() {
  const { list, rows } = useRecords(OPEN);
  const { hasNextPage, isFetching, fetchNextPage } = list;
  const pages = list.data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetching && pages < MOST_PAGES) void fetchNextPage();
  }, [hasNextPage, isFetching, pages, fetchNextPage]);
  const oldestFirst = useMemo(() => [...rows].sort((a, b) => newestFirst(b, a)), [rows]);
  return { list, rows: oldestFirst, more: hasNextPage && pages >= MOST_PAGES };
}
