import { describe, expect, it } from 'vitest';
import type { RecordRow } from '@/api/model';
import { row } from '@/test/rows';
import { belongs, patchPages, type RecordPages } from './reducer';

const pages = (...lists: RecordRow[][]): RecordPages => ({
  pageParams: lists.map((_, index) => (index ? String(index) : undefined)),
  pages: lists.map((items, index) => ({
    items,
    next: index === lists.length - 1 ? null : String(index + 1),
    as_of: 0,
    verified: null,
  })),
});
const ids = (data: RecordPages) => data.pages.map((page) => page.items.map(({ id }) => id));
const at = (minute: number, part: Partial<RecordRow> = {}) =>
  row({ happened_at: minute * 60_000, ...part });

describe('a list kept true by the feed', () => {
  const [old, mid, young] = [at(1), at(2), at(3)];

  it('takes a new row at its place by 发生时间', () => {
    const added = at(2.5);
    const { data } = patchPages(pages([young, mid, old]), added, {});
    expect(ids(data)).toEqual([[young.id, added.id, mid.id, old.id]]);
  });

  it('puts a late entry into the page that holds its time', () => {
    const late = at(1.5);
    const { data } = patchPages(pages([young, mid], [old]), late, {});
    expect(ids(data)).toEqual([
      [young.id, mid.id],
      [late.id, old.id],
    ]);
  });

  it('leaves rows beyond what was read to the next page', () => {
    const list = pages([young, mid], [old]);
    const unread = { ...list, pages: list.pages.slice(0, 1) };
    expect(ids(patchPages(unread, at(1), {}).data)).toEqual([[young.id, mid.id]]);
  });

  it('replaces a changed row and moves it when its time changed', () => {
    const moved = { ...old, happened_at: 10 * 60_000, rev: 2 };
    const { data } = patchPages(pages([young, mid, old]), moved, {});
    expect(ids(data)).toEqual([[old.id, young.id, mid.id]]);
    expect(data.pages[0]?.items[0]?.rev).toBe(2);
  });

  it('never goes back to an older revision', () => {
    const newer = { ...mid, rev: 5, summary: '新' };
    const { data } = patchPages(pages([newer]), { ...mid, rev: 4, summary: '旧' }, {});
    expect(data.pages[0]?.items[0]?.summary).toBe('新');
  });

  it('drops a row that no longer fits the filter', () => {
    const done: RecordRow = { ...mid, phase: 'done', rev: 2 };
    expect(ids(patchPages(pages([young, mid, old]), done, { open: true }).data)).toEqual([
      [young.id, old.id],
    ]);
  });

  it('asks the site again when a search decides whether the row belongs', () => {
    const list = pages([mid]);
    expect(patchPages(list, at(9), { q: '电梯' }).stale).toBe(true);
    const changed = patchPages(list, { ...mid, rev: 2, acked: false }, { q: '电梯' });
    expect(changed.stale).toBe(false);
    expect(changed.data.pages[0]?.items[0]?.acked).toBe(false);
  });
});

describe('whether a row belongs in a list', () => {
  it('follows kind, campus, category, phase and the Beijing day', () => {
    const night = row({ happened_at: Date.UTC(2026, 10, 21, 16, 30), category: 'fire' });
    expect(belongs(night, { kind: ['incident'] })).toBe(false);
    expect(belongs(night, { site: 'west' })).toBe(false);
    expect(belongs(night, { category: 'theft' })).toBe(false);
    expect(belongs(night, { day: '2026-11-22', category: 'fire', kind: ['log_item'] })).toBe(true);
    expect(belongs(night, { day: '2026-11-21' })).toBe(false);
    expect(belongs({ ...night, phase: 'done' }, { open: true })).toBe(false);
  });
});
