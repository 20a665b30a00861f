import { type RefObject, useCallback, useEffect, useState } from 'react';

/** Full screen of a whole tile, so that names and the viewer's mark stay over the picture. */
export function useFullscreen(element: RefObject<HTMLElement | null>): [boolean, () => void] {
  const [full, setFull] = useState(false);
  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement === element.current);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, [element]);
  const toggle = useCallback(() => {
    const change = document.fullscreenElement
      ? document.exitFullscreen()
      : element.current?.requestFullscreen();
    // Refused where the page is embedded without permission; the tile stays as it is.
    change?.catch(() => {});
  }, [element]);
  return [full, toggle];
}
