import type { InfiniteData } from '@tanstack/react-query';
import type { RecordPage, RecordQuery, RecordRow } from '@/api/model';
import { dayOf } from '@/time/format';

export type RecordPages = InfiniteData<RecordPage, string | undefined>;

/** Newest 发生时间 first, as the site orders its lists. */
export function newestFirst(a: RecordRow, b: RecordRow): number {
  const when = (r: RecordRow) => r.happened_at ?? r.recorded_at;
  return when(b) - when(a) || b.recorded_at - a.recorded_at || (a.id < b.id ? 1 : -1);
}

/** Whether a row belongs in a list; `unknown` where only the site's own search can tell. */
export function belongs(row: RecordRow, query: RecordQuery): boolean | 'unknown' {
  const { kind, site, category, day, open, q } = query;
  if (kind && !kind.includes(row.kind)) return false;
  if (site && row.site !== site) return false;
  if (category && row.category !== category) return false;
  if (open && row.phase === 'done') return false;
  if (day && dayOf(row.happened_at ?? row.recorded_at) !== day) return false;
  return q ? 'unknown' : true;
}

export interface Patched {
  data: RecordPages;
  /** The list must be asked for again: the row's place cannot be known here. */
  stale: boolean;
}

/** Puts one changed row into a cached list without losing the pages already read. */
export function patchPages(data: RecordPages, row: RecordRow, query: RecordQuery): Patched {
  const old = data.pages.flatMap((page) => page.items).find((item) => item.id === row.id);
  if (old && old.rev > row.rev) return { data, stale: false };
  const fits = belongs(row, query);
  if (fits === 'unknown') {
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.map((item) => (item.id === row.id ? row : item)),
    }));
    return { data: { ...data, pages }, stale: !old };
  }
  const without = data.pages.map((page) => ({
    ...page,
    items: page.items.filter((item) => item.id !== row.id),
  }));
  if (fits) insert(without, row);
  return { data: { ...data, pages: without }, stale: false };
}

function insert(pages: RecordPage[], row: RecordRow) {
  const target = pages.findIndex((page, index) => {
    const last = page.items[page.items.length - 1];
    if (last && newestFirst(row, last) < 0) return true;
    return index === pages.length - 1 && page.next === null;
  });
  const page = pages[target];
  if (page) page.items = [...page.items, row].sort(newestFirst);
}
