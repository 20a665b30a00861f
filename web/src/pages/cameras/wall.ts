/** Which cameras hang on the wall, in which places. Pure; the page keeps it in its address. */
export const LAYOUTS = [1, 4, 9] as const;

export type WallLayout = (typeof LAYOUTS)[number];

export interface Wall {
  layout: WallLayout;
  /** One entry a place; null is an empty place. Always `layout` long. */
  places: readonly (string | null)[];
  /** Shown cameras, the longest shown first: a full wall gives up its first. */
  order: readonly string[];
}

function empty(layout: WallLayout): (string | null)[] {
  return Array.from({ length: layout }, () => null);
}

export const EMPTY_WALL: Wall = { layout: 4, places: empty(4), order: [] };

/** True while `camera` hangs somewhere. */
export function isShown(wall: Wall, camera: string): boolean {
  return wall.order.includes(camera);
}

/** Hangs a camera in the first empty place, or in the place of the one shown longest. */
export function show(wall: Wall, camera: string): Wall {
  if (isShown(wall, camera)) {
    return wall;
  }
  const free = wall.places.indexOf(null);
  const oldest = wall.order[0];
  const place = free === -1 && oldest !== undefined ? wall.places.indexOf(oldest) : free;
  const leaving = wall.places[place] ?? null;
  return {
    ...wall,
    places: wall.places.map((present, index) => (index === place ? camera : present)),
    order: [...wall.order.filter((id) => id !== leaving), camera],
  };
}

export function hide(wall: Wall, camera: string): Wall {
  return {
    ...wall,
    places: wall.places.map((present) => (present === camera ? null : present)),
    order: wall.order.filter((id) => id !== camera),
  };
}

/** More places keep everything; fewer places keep what was hung last, in the order of the places. */
export function setLayout(wall: Wall, layout: WallLayout): Wall {
  const order = wall.order.slice(Math.max(0, wall.order.length - layout));
  const kept = wall.places.filter((id): id is string => id !== null && order.includes(id));
  return { layout, places: empty(layout).map((_, index) => kept[index] ?? null), order };
}

/** The address form: `layout=4&watch=cAAA.-.cBBB`; `c` keeps an id of digits from reading as a number. */
export function toSearch(wall: Wall): string {
  if (wall.order.length === 0 && wall.layout === EMPTY_WALL.layout) {
    return '';
  }
  const places = wall.places.map((id) => (id === null ? '-' : `c${id}`)).join('.');
  return `?layout=${wall.layout}&watch=${places}`;
}

/** Reads the address form; anything it does not understand is left out. */
export function fromSearch(search: string): Wall {
  const params = new URLSearchParams(search);
  const layout = LAYOUTS.find((n) => String(n) === params.get('layout')) ?? EMPTY_WALL.layout;
  const ids = (params.get('watch') ?? '')
    .split('.')
    .slice(0, layout)
    .map((part) => (/^c[0-9a-f]{32}$/.test(part) ? part.slice(1) : null));
  const places = empty(layout).map((_, index) => {
    const id = ids[index] ?? null;
    return id !== null && ids.indexOf(id) === index ? id : null;
  });
  return { layout, places, order: places.filter((id): id is string => id !== null) };
}
