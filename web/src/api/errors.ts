import type { components } from './generated/schema';

/** The code stays open: a newer site may send one this page does not know. */
export interface FieldError {
  field: string;
  code: components['schemas']['FieldCode'] | (string & {});
  limit?: number | null;
}

/** What any call to the site rejects with; `code` is stable and is what screens translate. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly fields: FieldError[];
  readonly retryAfterS: number | undefined;

  constructor(status: number, body: ErrorBody) {
    super(body.message ?? body.code);
    this.name = 'ApiError';
    this.status = status;
    this.code = body.code;
    this.requestId = body.request_id;
    this.fields = body.fields ?? [];
    this.retryAfterS = body.retry_after_s ?? undefined;
  }
}

type Sent = components['schemas']['ErrorBody'];
export type ErrorBody = Partial<Omit<Sent, 'code' | 'fields'>> & {
  code: Sent['code'] | (string & {});
  fields?: FieldError[];
};

/** The site could not be reached at all: no status, no body. */
export const UNREACHABLE = 'unreachable';

/** Reads the error envelope; a body that is not one (a proxy's page) becomes `internal`. */
export function errorFrom(status: number, body: unknown): ApiError {
  const inner = (body as { error?: ErrorBody } | undefined)?.error;
  if (inner && typeof inner.code === 'string') return new ApiError(status, inner);
  return new ApiError(status, { code: status === 404 ? 'not_found' : 'internal' });
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, { code: UNREACHABLE, message: String(error) });
}
