import type { QueryClient, QueryKey } from '@tanstack/react-query';
import type { Camera, DutyRecord, FeedRow, RecordQuery, RecordRow, SiteList } from '@/api/model';
import { keys } from '@/api/queries';
import { patchPages, type RecordPages } from './reducer';

/** An answer on its way may be older than what the feed just brought, and would undo it. */
async function readAgainIfReading(queries: QueryClient, queryKey: QueryKey) {
  const query = { queryKey, exact: true };
  const state = queries.getQueryState(queryKey);
  if (state?.fetchStatus !== 'fetching') return;
  // Reading again replaces a read that refreshes; a first one it would only join.
  if (state.data === undefined) await queries.cancelQueries(query);
  await queries.refetchQueries(query);
}

function applyRecord(queries: QueryClient, row: RecordRow) {
  for (const { queryKey, state } of queries.getQueryCache().findAll({ queryKey: keys.lists })) {
    const data = state.data as RecordPages | undefined;
    if (data?.pages) {
      const patched = patchPages(data, row, (queryKey[1] ?? {}) as RecordQuery);
      queries.setQueryData(queryKey, patched.data);
      if (patched.stale) void queries.invalidateQueries({ queryKey, exact: true });
    }
    void readAgainIfReading(queries, queryKey);
  }
  // A consultation or a log item shows in its incident's timeline and links too.
  if (row.incident) {
    void queries.invalidateQueries({ queryKey: keys.record(row.incident) });
    void readAgainIfReading(queries, keys.record(row.incident));
  }
  const cached = queries.getQueryData<DutyRecord>(keys.record(row.id));
  if (cached && cached.rev <= row.rev) {
    queries.setQueryData(keys.record(row.id), { ...cached, ...row });
    if (cached.rev < row.rev) void queries.invalidateQueries({ queryKey: keys.record(row.id) });
  }
  void readAgainIfReading(queries, keys.record(row.id));
}

/** Whether lists show rows that this site has not proved. */
const isReplaying = (list: SiteList | undefined) =>
  list?.sites.some((site) => site.self && site.verified) ?? false;

function applySites(queries: QueryClient, sites: SiteList) {
  const before = queries.getQueryData<SiteList>(keys.sites);
  if (isReplaying(before) !== isReplaying(sites)) {
    void queries.invalidateQueries({ queryKey: keys.lists });
  }
  queries.setQueryData<SiteList>(keys.sites, sites);
  void readAgainIfReading(queries, keys.sites);
}

function applyCamera(queries: QueryClient, camera: Camera) {
  queries.setQueryData<{ cameras: Camera[] }>(keys.cameras, (data) => {
    if (!data) return data;
    const known = data.cameras.some((c) => c.id === camera.id);
    return {
      cameras: known
        ? data.cameras.map((c) => (c.id === camera.id ? camera : c))
        : [...data.cameras, camera],
    };
  });
  void readAgainIfReading(queries, keys.cameras);
}

/** Everything the feed keeps true is asked for again. */
export function resync(queries: QueryClient) {
  for (const queryKey of [keys.lists, ['record'], keys.sites, keys.cameras]) {
    void queries.invalidateQueries({ queryKey });
  }
}

/** What could not be read while the site was away is read again. */
export function retryFailed(queries: QueryClient) {
  void queries.refetchQueries({
    type: 'active',
    predicate: ({ state }) => state.status === 'error',
  });
}

/** Patches the caches with what the feed brought, in its order. */
export function applyFeed(queries: QueryClient, rows: FeedRow[], now: number) {
  for (const row of rows) {
    if (row.type === 'record') applyRecord(queries, row.record);
    else if (row.type === 'camera') applyCamera(queries, row.camera);
    else if (row.type === 'sites') applySites(queries, { now, sites: row.sites });
    else if (row.type === 'resync') resync(queries);
  }
}
