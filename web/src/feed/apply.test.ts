import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordRow, Site } from '@/api/model';
import { keys } from '@/api/queries';
import { row } from '@/test/rows';
import { applyFeed } from './apply';
import type { RecordPages } from './reducer';

let queries: QueryClient;
beforeEach(() => {
  queries = new QueryClient();
});

const list = (items: RecordRow[]): RecordPages => ({
  pageParams: [undefined],
  pages: [{ items, next: null, as_of: 0 }],
});

describe('what the feed brings', () => {
  it('reaches every list it belongs in', () => {
    const open = { kind: ['log_item'], open: true };
    queries.setQueryData(keys.list({}), list([]));
    queries.setQueryData(keys.list(open), list([]));
    const record = row({ phase: 'done' });
    applyFeed(queries, [{ type: 'record', record }], 0);
    const shown = (query: object) =>
      queries.getQueryData<RecordPages>(keys.list(query))?.pages[0]?.items.length;
    expect(shown({})).toBe(1);
    expect(shown(open)).toBe(0);
  });

  it('is not undone by an older answer that was on its way', async () => {
    const record = row({ phase: 'done' });
    const answers: ((pages: RecordPages) => void)[] = [];
    const observer = new QueryObserver(queries, {
      queryKey: keys.list({}),
      queryFn: () => new Promise<RecordPages>((answer) => answers.push(answer)),
    });
    const stop = observer.subscribe(() => undefined);
    applyFeed(queries, [{ type: 'record', record }], 0);
    answers[0]?.(list([]));
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.(list([record]));
    await expect
      .poll(() => queries.getQueryData<RecordPages>(keys.list({}))?.pages[0]?.items.length)
      .toBe(1);
    stop();
  });

  it('makes an open page read its record and its incident again', () => {
    const record = row({ incident: 'inc', rev: 2 });
    queries.setQueryData(keys.record(record.id), { ...record, rev: 1 });
    queries.setQueryData(keys.record('inc'), { ...row({ id: 'inc' }) });
    applyFeed(queries, [{ type: 'record', record }], 0);
    expect(queries.getQueryState(keys.record(record.id))?.isInvalidated).toBe(true);
    expect(queries.getQueryState(keys.record('inc'))?.isInvalidated).toBe(true);
  });

  it('replaces the sites whole, with the time they are of', () => {
    const sites = [{ id: 'z' }] as Site[];
    applyFeed(queries, [{ type: 'sites', sites }], 77);
    expect(queries.getQueryData(keys.sites)).toEqual({ now: 77, sites });
  });

  it('reads everything again on resync', () => {
    queries.setQueryData(keys.list({}), list([]));
    queries.setQueryData(keys.record('r'), row());
    queries.setQueryData(keys.session, { user: {} });
    applyFeed(queries, [{ type: 'resync' }], 0);
    expect(queries.getQueryState(keys.list({}))?.isInvalidated).toBe(true);
    expect(queries.getQueryState(keys.record('r'))?.isInvalidated).toBe(true);
    expect(queries.getQueryState(keys.session)?.isInvalidated).toBe(false);
  });
});
