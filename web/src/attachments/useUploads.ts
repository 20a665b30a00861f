import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { newActionId } from '@/api/action-id';
import { api } from '@/api/client';
import { ApiError } from '@/api/errors';
import { blobLimitsQuery, keys } from '@/api/queries';
import { type DraftStore, draftStore } from '@/drafts/store';
import { applyFeed } from '@/feed/apply';
import { useSession } from '@/shell/session';
import { type Attached, UploadQueue } from './queue';
import { send } from './send';

const queues = new Map<string, UploadQueue>();

/** A draft takes the file along when it is saved; a record gets it at once. */
function deliverer(queries: QueryClient, drafts: DraftStore) {
  return async (target: string, attached: Attached, key: string) => {
    if (drafts.attach(target, attached)) return;
    const { name, blob } = attached;
    const record = await api.act(target, 'attach', { name, blob }, key);
    queries.setQueryData(keys.record(record.id), record);
    applyFeed(queries, [{ type: 'record', record }], Date.now());
  };
}

/** The uploads of the signed-in person at this site, whichever page is open. */
export function useUploadQueue(): UploadQueue {
  const { user, site } = useSession();
  const queries = useQueryClient();
  const owner = `${site.id}.${user.id}`;
  const known = queues.get(owner);
  if (known) return known;
  const made = new UploadQueue({
    send,
    deliver: deliverer(queries, draftStore(owner)),
    newKey: newActionId,
    later: (ms, run) => void window.setTimeout(run, ms),
    signedOut: () => queries.setQueryData(keys.session, null),
  });
  window.addEventListener('online', made.resume);
  queues.set(owner, made);
  return made;
}

/** Why a file need not be sent at all. */
function unfit(size: number, limit: number | undefined): ApiError | null {
  if (size === 0) return new ApiError(0, { code: 'empty_file' });
  if (limit === undefined || size <= limit) return null;
  const fields = [{ field: 'body', code: 'too_long', limit }];
  return new ApiError(413, { code: 'body_too_large', fields });
}

/** The uploads into one draft or record. */
export function useUploads(target: string) {
  const queue = useUploadQueue();
  const all = useSyncExternalStore(queue.subscribe, queue.all);
  const uploads = useMemo(() => all.filter((one) => one.target === target), [all, target]);
  const limits = useQuery(blobLimitsQuery).data;
  // The person may just have signed in again.
  useEffect(() => queue.resume(), [queue]);
  const add = (files: readonly File[]) =>
    queue.add(target, files, ({ size }) => unfit(size, limits?.max_upload));
  return { queue, uploads, add, accept: limits?.endings.map((one) => `.${one}`).join(',') };
}
