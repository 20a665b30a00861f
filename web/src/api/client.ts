import createClient from 'openapi-fetch';
import type { Attached } from '@/attachments/queue';
import { ApiError, errorFrom, UNREACHABLE } from './errors';
import type { paths } from './generated/schema';
import type {
  AdminStatus,
  BlobLimits,
  BlobState,
  Camera,
  DutyRecord,
  FeedMessage,
  Fields,
  KindList,
  RecordPage,
  RecordQuery,
  Rejudgement,
  Session,
  SiteList,
  UploadState,
} from './model';
import { upload } from './upload';

const site = createClient<paths>({ fetch: (request) => fetch(request) });

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** The body of a success; every failure becomes an `ApiError`, save an abort by the caller. */
async function body<T>(call: Promise<Answer>): Promise<T> {
  let answer: Answer;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError(0, { code: UNREACHABLE, message: String(cause) });
  }
  if (answer.response.ok) return answer.data as T;
  throw errorFrom(answer.response.status, answer.error);
}

// The document can only call free values an empty object.
const free = (fields: Fields) => fields as Record<string, never>;

/** The site's HTTP interface, one function an operation. */
export const api = {
  session: (signal?: AbortSignal) => body<Session>(site.GET('/api/v1/session', { signal })),
  signIn: (login: string, password: string) =>
    body<Session>(site.POST('/api/v1/session', { body: { login, password } })),
  signOut: () => body<void>(site.DELETE('/api/v1/session')),
  sites: (signal?: AbortSignal) => body<SiteList>(site.GET('/api/v1/sites', { signal })),
  kinds: (signal?: AbortSignal) => body<KindList>(site.GET('/api/v1/kinds', { signal })),
  records: (query: RecordQuery & { after?: string; limit?: number }, signal?: AbortSignal) =>
    body<RecordPage>(site.GET('/api/v1/records', { params: { query }, signal })),
  record: (id: string, signal?: AbortSignal) =>
    body<DutyRecord>(site.GET('/api/v1/records/{id}', { params: { path: { id } }, signal })),
  create: (
    kind: string,
    fields: Fields,
    actionId: string,
    files: readonly Attached[] | undefined,
  ) => {
    const attachments = files?.map(({ name, blob }) => ({ name, blob }));
    return body<DutyRecord>(
      site.POST('/api/v1/records', {
        body: { kind, fields: free(fields), attachments, action_id: actionId },
      }),
    );
  },
  act: (id: string, action: string, fields: Fields, actionId: string) =>
    body<DutyRecord>(
      site.POST('/api/v1/records/{id}/actions/{action}', {
        params: { path: { id, action } },
        body: { fields: free(fields), action_id: actionId },
      }),
    ),
  blobLimits: (signal?: AbortSignal) => body<BlobLimits>(site.GET('/api/v1/blobs', { signal })),
  beginUpload: (size: number, signal?: AbortSignal) =>
    body<UploadState>(site.POST('/api/v1/uploads', { body: { size }, signal })),
  uploadState: (id: string, signal?: AbortSignal) =>
    body<UploadState>(site.GET('/api/v1/uploads/{id}', { params: { path: { id } }, signal })),
  sendPiece: (
    { id, offset }: UploadState,
    piece: Blob,
    progress: (sent: number) => void,
    signal: AbortSignal,
  ) => {
    const path = `/api/v1/uploads/${id}?offset=${offset}`;
    return upload<UploadState>('PATCH', path, piece, progress, signal);
  },
  cancelUpload: (id: string) =>
    body<undefined>(site.DELETE('/api/v1/uploads/{id}', { params: { path: { id } } })),
  blobState: (hash: string, signal?: AbortSignal) =>
    body<BlobState>(site.GET('/api/v1/blobs/{hash}/state', { params: { path: { hash } }, signal })),
  fetchBlob: (hash: string) =>
    body<BlobState>(site.POST('/api/v1/blobs/{hash}/fetch', { params: { path: { hash } } })),
  stopFetchingBlob: (hash: string) =>
    body<BlobState>(site.DELETE('/api/v1/blobs/{hash}/fetch', { params: { path: { hash } } })),
  cameras: (signal?: AbortSignal) =>
    body<{ cameras: Camera[] }>(site.GET('/api/v1/cameras', { signal })),
  feed: (query: { after?: string; wait: number }, signal?: AbortSignal) =>
    body<FeedMessage>(site.GET('/api/v1/feed', { params: { query }, signal })),
  rejudge: () => body<Rejudgement>(site.POST('/api/v1/admin/quarantine/rejudge')),
  adminStatus: (signal?: AbortSignal) =>
    body<AdminStatus>(site.GET('/api/v1/admin/status', { signal })),
  scrub: () => body<AdminStatus['scrub']>(site.POST('/api/v1/admin/scrub')),
  closeJournal: (of: string, incarnation: number, ends: string[]) =>
    body<undefined>(
      site.POST('/api/v1/admin/journals/close', { body: { site: of, incarnation, ends } }),
    ),
  revokeSite: (of: string, code: string, cut: number | null) =>
    body<undefined>(site.POST('/api/v1/admin/sites/revoke', { body: { site: of, code, cut } })),
  makeJoinCode: (siteName: string, code: string) =>
    body<{ code: string }>(
      site.POST('/api/v1/admin/join-codes', { body: { site_name: siteName, code } }),
    ),
};
