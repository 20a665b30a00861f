import { useSyncExternalStore } from 'react';

const query = window.matchMedia('(max-width: 720px)');

function follow(changed: () => void) {
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}

/** Whether the screen is as narrow as a phone's. */
export const useNarrow = () => useSyncExternalStore(follow, () => query.matches);
