/**
 * Click → first picture, as marks and measures of the browser's own timeline, so that a browser
 * test (and an administrator with the developer tools) can read the figure.
 */
export const CLICK_MARK = 'whep:click';
export const FIRST_FRAME_MARK = 'whep:first-frame';
export const FIRST_PICTURE_MEASURE = 'whep:first-picture';

/** A click older than this belongs to an earlier watching of the same source. */
const CLICK_COUNTS_FOR_MS = 2_000;

const clicks = new Map<string, number>();

/** Notes the moment a person asked for the picture of `source`. */
export function markClick(source: string): void {
  const now = performance.now();
  clicks.set(source, now);
  performance.mark(CLICK_MARK, { startTime: now, detail: source });
}

/** Notes a start without a click just before it (a pinned camera, a page opened by its address). */
export function markStart(source: string): void {
  const clicked = clicks.get(source);
  if (clicked === undefined || performance.now() - clicked > CLICK_COUNTS_FOR_MS) {
    markClick(source);
  }
}

/** Notes the first picture of `source`; ms since it was asked for, or null if that is unknown. */
export function markFirstFrame(source: string): number | null {
  const clicked = clicks.get(source);
  if (clicked === undefined) {
    return null;
  }
  clicks.delete(source);
  const now = performance.now();
  performance.mark(FIRST_FRAME_MARK, { startTime: now, detail: source });
  performance.measure(FIRST_PICTURE_MEASURE, { start: clicked, end: now, detail: source });
  return Math.round(now - clicked);
}
