/** How tiles of 16:9 pictures, each with its foot, fill a stage best. Pure. */
export interface Grid {
  columns: number;
  /** Width and height of one tile in CSS pixels. */
  tileWidth: number;
  tileHeight: number;
}

const RATIO = 16 / 9;
/** Height of a tile's foot; the same as in `media.module.css`. */
const FOOT_PX = 36;
/** Below this width faces cannot be told apart; the stage scrolls instead. */
const NARROWEST_PX = 220;

function grid(columns: number, tileWidth: number): Grid {
  const width = Math.max(0, Math.floor(tileWidth));
  return { columns, tileWidth: width, tileHeight: Math.round(width / RATIO) + FOOT_PX };
}

/**
 * The largest tiles for `count` pictures on a stage of `width` × `height` CSS pixels. On a stage
 * too narrow for two columns tiles take the whole width and the page scrolls.
 */
export function stageGrid(count: number, width: number, height: number, gap = 8): Grid {
  const columnWidth = (columns: number) => (width - gap * (columns - 1)) / columns;
  if (count < 1 || columnWidth(2) < NARROWEST_PX) {
    return grid(1, width);
  }
  let best = grid(1, 0);
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const byHeight = ((height - gap * (rows - 1)) / rows - FOOT_PX) * RATIO;
    const tile = Math.max(Math.min(columnWidth(columns), byHeight), NARROWEST_PX);
    if (tile <= columnWidth(columns) && tile >= best.tileWidth) {
      best = grid(columns, tile);
    }
  }
  return best;
}
