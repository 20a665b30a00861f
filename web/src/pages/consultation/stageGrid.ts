/** How many columns make the largest 16:9 tiles. Pure. */
export interface Grid {
  columns: number;
  rows: number;
}

const RATIO = 16 / 9;
/** Below this width faces cannot be told apart; the stage scrolls instead. */
const NARROWEST_PX = 220;

function tileWidth(count: number, columns: number, width: number, height: number, gap: number) {
  const rows = Math.ceil(count / columns);
  const byWidth = (width - gap * (columns - 1)) / columns;
  const byHeight = ((height - gap * (rows - 1)) / rows) * RATIO;
  return Math.min(byWidth, byHeight);
}

/** The grid for `count` tiles on a stage of `width` × `height` CSS pixels. */
export function stageGrid(count: number, width: number, height: number, gap = 8): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count) };
  let widest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const tile = tileWidth(count, columns, width, height, gap);
    const fits = columns === 1 || (width - gap * (columns - 1)) / columns >= NARROWEST_PX;
    if (fits && tile > widest) {
      widest = tile;
      best = { columns, rows: Math.ceil(count / columns) };
    }
  }
  return best;
}
