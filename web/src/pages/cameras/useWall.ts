import { useRouter } from '@tanstack/react-router';
import { useCallback, useRef, useState } from 'react';
import { fromSearch, toSearch, type Wall } from './wall';

/**
 * The wall, kept in the page's address, so that a reload or a bookmark brings the same pictures
 * back. It changes before the address does: the router is slower than a picture may be.
 */
export function useWall(): [Wall, (change: (wall: Wall) => Wall) => void] {
  const { history } = useRouter();
  const [wall, setWall] = useState(() => fromSearch(history.location.search));
  const latest = useRef(wall);
  const change = useCallback(
    (next: (wall: Wall) => Wall) => {
      latest.current = next(latest.current);
      setWall(latest.current);
      const { pathname } = history.location;
      window.setTimeout(() => {
        if (history.location.pathname === pathname) {
          history.replace(`${pathname}${toSearch(latest.current)}`);
        }
      });
    },
    [history],
  );
  return [wall, change];
}
