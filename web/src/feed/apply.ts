import type { QueryClient, QueryKey } from '@tanstack/react-query';
import type { Camera, DutyRecord, FeedRow, RecordQuery, RecordRow, SiteList } from '@/api/model';
import { keys } from '@/api/queries';
import { patchPages, type RecordPages } from './reducer';

/** An answer on its way may be older than the row that just came, and would undo it. */
function readAgainIfReading(queries: QueryClient, queryKey: QueryKey) {
  if (queries.getQueryState(queryKey)?.fetchStatus !== 'fetching') return;
  void queries
    .cancelQueries({ queryKey, exact: true })
    .then(() => queries.refetchQueries({ queryKey, exact: true }));
}

function applyRecord(queries: QueryClient, row: RecordRow) {
  for (const entry of queries.getQueryCache().findAll({ queryKey: keys.lists })) {
    readAgainIfReading(queries, entry.queryKey);
    const data = entry.state.data as RecordPages | undefined;
    if (!data?.pages) continue;
    const patched = patchPages(data, row, (entry.queryKey[1] ?? {}) as RecordQuery);
    queries.setQueryData(entry.queryKey, patched.data);
    if (patched.stale) void queries.invalidateQueries({ queryKey: entry.queryKey, exact: true });
  }
  // A consultation or a log item shows in its incident's timeline and links too.
  if (row.incident) void queries.invalidateQueries({ queryKey: keys.record(row.incident) });
  readAgainIfReading(queries, keys.record(row.id));
  const cached = queries.getQueryData<DutyRecord>(keys.record(row.id));
  if (!cached || cached.rev > row.rev) return;
  queries.setQueryData(keys.record(row.id), { ...cached, ...row });
  if (cached.rev < row.rev) void queries.invalidateQueries({ queryKey: keys.record(row.id) });
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
    else if (row.type === 'sites')
      queries.setQueryData<SiteList>(keys.sites, { now, sites: row.sites });
    else if (row.type === 'resync') resync(queries);
  }
}
