import type { RecordQuery } from '@/api/model';

/** What a list's address holds: the filters of its `RecordQuery`, with at most one kind picked out. */
export type Filters = Omit<RecordQuery, 'kind'> & { kind?: string };

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** Keeps only known filters; a day typed as anything but a date is dropped. */
export function readFilters(search: Record<string, unknown>): Filters {
  const day = text(search.day);
  const filters: Filters = {
    kind: text(search.kind),
    site: text(search.site),
    category: text(search.category),
    day: day && /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : undefined,
    // The router reads a search of digits only as a number.
    q: text(typeof search.q === 'number' ? String(search.q) : search.q),
    open: search.open === true || search.open === 'true' ? true : undefined,
  };
  return Object.fromEntries(Object.entries(filters).filter(([, v]) => v !== undefined));
}
