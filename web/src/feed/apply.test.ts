import { QueryClient, type QueryKey, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordRow, Site, SiteList } from '@/api/model';
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
  pages: [{ items, next: null, as_of: 0, verified: null }],
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

  describe('while a page is being read', () => {
    // A page whose reads are answered by hand, in the order they were asked.
    function reading<T>(queryKey: QueryKey) {
      const answers: ((data: T) => void)[] = [];
      const queryFn = () => new Promise<T>((answer) => answers.push(answer));
      const observer = new QueryObserver<T>(queries, { queryKey, queryFn });
      stops.push(observer.subscribe(() => undefined));
      return { answers, data: () => queries.getQueryData<T>(queryKey) };
    }
    const stops: (() => void)[] = [];
    afterEach(() => {
      for (const stop of stops.splice(0)) stop();
    });
    const record = row({ phase: 'done' });
    const items = (pages: RecordPages | undefined) => pages?.pages[0]?.items.length;

    it('is not undone by the older answer of a first read', async () => {
      const page = reading<RecordPages>(keys.list({}));
      applyFeed(queries, [{ type: 'record', record }], 0);
      page.answers[0]?.(list([]));
      await expect.poll(() => page.answers.length).toBe(2);
      page.answers[1]?.(list([record]));
      await expect.poll(() => items(page.data())).toBe(1);
    });

    it('is not undone by the older answer of a read that refreshes', async () => {
      queries.setQueryData(keys.list({}), list([]));
      const page = reading<RecordPages>(keys.list({}));
      applyFeed(queries, [{ type: 'record', record }], 0);
      page.answers[0]?.(list([]));
      await expect.poll(() => page.answers.length).toBe(2);
      expect(items(page.data())).toBe(1);
    });

    it('has the incident of what came read again', async () => {
      const page = reading<RecordRow>(keys.record('inc'));
      applyFeed(queries, [{ type: 'record', record: row({ incident: 'inc' }) }], 0);
      await expect.poll(() => page.answers.length).toBe(2);
    });

    it('does not show a cut line as standing', async () => {
      const page = reading<SiteList>(keys.sites);
      applyFeed(queries, [{ type: 'sites', sites: [] }], 7);
      page.answers[0]?.({ now: 1, sites: [] });
      await expect.poll(() => page.answers.length).toBe(2);
      expect(page.data()?.now).toBe(7);
    });
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

  it('has lists read again when unproved rows come and when all is proved', () => {
    const self = (verified?: Site['verified']) => [{ id: 'e', self: true, verified }] as Site[];
    const read = (sites: Site[]) => {
      queries.setQueryData(keys.list({}), list([]));
      applyFeed(queries, [{ type: 'sites', sites }], 0);
      return queries.getQueryState(keys.list({}))?.isInvalidated;
    };
    expect(read(self())).toBe(false);
    expect(read(self({ to: 1, of: 9 }))).toBe(true);
    expect(read(self({ to: 5, of: 9 }))).toBe(false);
    expect(read(self())).toBe(true);
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
