/** Which stream of a camera a tile needs: the full picture or the small one. */
export type Layer = 'main' | 'sub';

/** From this many device pixels of tile width the small picture (640 wide) looks blurred. */
const MAIN_FROM_PX = 900;
/** Below this the full picture is wasted; between the two the present layer stays. */
const SUB_BELOW_PX = 760;

/**
 * The layer for a tile of `width` CSS pixels. `present` gives the choice its memory, so that a
 * window dragged across the border does not switch back and forth.
 */
export function chooseLayer(width: number, pixelRatio: number, present: Layer | null): Layer {
  const pixels = width * pixelRatio;
  if (pixels >= MAIN_FROM_PX) {
    return 'main';
  }
  if (pixels < SUB_BELOW_PX) {
    return 'sub';
  }
  return present ?? 'sub';
}
