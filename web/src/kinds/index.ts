import { incident } from './incident';
import { logItem } from './log-item';
import type { KindSpec, PagePath } from './spec';

/** Every kind the web can list, show and write. A new kind is added here and nowhere else. */
export const kinds: Readonly<Record<string, KindSpec>> = { log_item: logItem, incident };

export { incident, logItem };

const OTHER_PAGES: Readonly<Record<string, PagePath>> = { consultation: '/consultations/$id' };

/** Where a record's page is, or null for a kind without one. */
export function pageOf(kind: string): PagePath | null {
  return kinds[kind]?.page ?? OTHER_PAGES[kind] ?? null;
}
