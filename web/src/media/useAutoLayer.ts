import { type RefObject, useLayoutEffect, useState } from 'react';
import { chooseLayer, type Layer } from './layer';

/** Dragging a window edge passes many widths; only one that stays this long counts. */
const SETTLE_MS = 400;

/** The layer that fits the present width of `element`; null until the width is known. */
export function useAutoLayer(element: RefObject<HTMLElement | null>): Layer | null {
  const [layer, setLayer] = useState<Layer | null>(null);
  // Before painting, so that the first request need not wait for a frame.
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) {
      return;
    }
    const choose = () =>
      setLayer((present) => chooseLayer(target.clientWidth, window.devicePixelRatio, present));
    choose();
    let timer: number | undefined;
    const observer = new ResizeObserver(() => {
      window.clearTimeout(timer);
      timer = window.setTimeout(choose, SETTLE_MS);
    });
    observer.observe(target);
    return () => {
      window.clearTimeout(timer);
      observer.disconnect();
    };
  }, [element]);
  return layer;
}
