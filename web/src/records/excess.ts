import type { DutyRecord, KindField } from '@/api/model';

export interface Excess {
  field: string;
  /** Characters as the site counts them. */
  length: number;
  limit: number;
}

/**
 * Fields longer than any one person may write: two edits made apart, each within the limit, were
 * put together. Both stand at every site.
 */
export function excessOf(
  { fields }: Pick<DutyRecord, 'fields'>,
  limits: ReadonlyMap<string, Pick<KindField, 'max_len'>>,
): Excess[] {
  return Object.entries(fields).flatMap(([field, value]) => {
    const limit = limits.get(field)?.max_len;
    if (typeof value !== 'string' || !limit) return [];
    const length = [...value].length;
    return length > limit ? [{ field, length, limit }] : [];
  });
}
