import { useEffect, useRef } from 'react';

export type Hotkeys = Record<string, () => void>;

function nameOf(event: KeyboardEvent): string {
  const held = event.ctrlKey || event.metaKey ? 'ctrl+' : '';
  return held + event.key.toLowerCase();
}

/**
 * Keys for the whole page. Only function keys and Ctrl combinations are offered: plain letters
 * belong to input methods.
 */
export function useHotkeys(keys: Hotkeys) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const run = latest.current[nameOf(event)];
      if (!run || event.altKey || event.isComposing) return;
      event.preventDefault();
      run();
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
