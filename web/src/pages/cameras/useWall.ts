import { useLocation, useRouter } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { fromSearch, toSearch, type Wall } from './wall';

/** The wall in the page's address, so that a reload or a bookmark brings the same pictures back. */
export function useWall(): [Wall, (change: (wall: Wall) => Wall) => void] {
  const router = useRouter();
  const search = useLocation({ select: (location) => location.searchStr });
  const wall = useMemo(() => fromSearch(search), [search]);
  const change = useCallback(
    (next: (wall: Wall) => Wall) => {
      const { pathname, search: present } = router.history.location;
      router.history.replace(`${pathname}${toSearch(next(fromSearch(present)))}`);
    },
    [router],
  );
  return [wall, change];
}
