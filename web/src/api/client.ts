import { ApiError, errorFrom, UNREACHABLE } from './errors';
import type {
  AdminStatus,
  Camera,
  DutyRecord,
  FeedMessage,
  Fields,
  KindTable,
  RecordPage,
  RecordQuery,
  Session,
  SiteList,
} from './model';

type Query = Record<string, string | number | boolean | string[] | undefined>;

function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal) {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, { code: UNREACHABLE, message: String(cause) });
  }
  if (response.status === 204) return undefined as T;
  const json: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw errorFrom(response.status, json);
  return json as T;
}

/** The site's HTTP interface, one function an operation; every failure is an `ApiError`. */
export const api = {
  session: (signal?: AbortSignal) => call<Session>('GET', '/api/v1/session', undefined, signal),
  signIn: (login: string, password: string) =>
    call<Session>('POST', '/api/v1/session', { login, password }),
  signOut: () => call<void>('DELETE', '/api/v1/session'),
  sites: (signal?: AbortSignal) => call<SiteList>('GET', '/api/v1/sites', undefined, signal),
  kinds: (signal?: AbortSignal) =>
    call<{ kinds: KindTable[] }>('GET', '/api/v1/kinds', undefined, signal),
  records: (query: RecordQuery & { after?: string; limit?: number }, signal?: AbortSignal) =>
    call<RecordPage>('GET', withQuery('/api/v1/records', { ...query }), undefined, signal),
  record: (id: string, signal?: AbortSignal) =>
    call<DutyRecord>('GET', `/api/v1/records/${id}`, undefined, signal),
  create: (kind: string, fields: Fields, actionId: string) =>
    call<DutyRecord>('POST', '/api/v1/records', { kind, fields, action_id: actionId }),
  act: (id: string, action: string, fields: Fields, actionId: string) =>
    call<DutyRecord>('POST', `/api/v1/records/${id}/actions/${action}`, {
      fields,
      action_id: actionId,
    }),
  cameras: (signal?: AbortSignal) =>
    call<{ cameras: Camera[] }>('GET', '/api/v1/cameras', undefined, signal),
  feed: (query: { after?: string; wait: number }, signal?: AbortSignal) =>
    call<FeedMessage>('GET', withQuery('/api/v1/feed', query), undefined, signal),
  adminStatus: (signal?: AbortSignal) =>
    call<AdminStatus>('GET', '/api/v1/admin/status', undefined, signal),
  makeJoinCode: (siteName: string, code: string) =>
    call<{ code: string }>('POST', '/api/v1/admin/join-codes', { site_name: siteName, code }),
};
