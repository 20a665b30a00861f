/** The HTTP half of WHEP and WHIP: an offer goes in, an answer and the session's address come out. */
import { type Reason, toReason } from './reasons';

export type OfferResult =
  | {
      ok: true;
      sdp: string;
      /** The session's address, an absolute path of the own site. */
      session: string | null;
    }
  | { ok: false; reason: Reason; retryAfterMs: number | undefined };

interface ErrorEnvelope {
  error?: { code?: string; message?: string; retry_after_s?: number };
}

/** Longer than the site's own time-out for a camera or a far site, so that its reason arrives. */
const ANSWER_WITHIN_MS = 12_000;

/** An unavailable camera names its own reason in the message. */
function reasonOf(error: ErrorEnvelope['error']): Reason {
  const code = toReason(error?.code);
  const nearer = toReason(error?.message);
  return code === 'camera_unavailable' && nearer !== 'internal' ? nearer : code;
}

async function refusal(response: Response): Promise<OfferResult> {
  const body = (await response.json().catch(() => ({}))) as ErrorEnvelope;
  const wait = body.error?.retry_after_s;
  return {
    ok: false,
    reason: reasonOf(body.error),
    retryAfterMs: wait === undefined ? undefined : wait * 1_000,
  };
}

/** Posts an SDP offer. `signal` aborts it; a network fault reads as `network`, never as a throw. */
export async function postOffer(
  url: string,
  sdp: string,
  signal: AbortSignal,
): Promise<OfferResult> {
  const limit = new AbortController();
  const onAbort = () => limit.abort();
  signal.addEventListener('abort', onAbort);
  const timer = window.setTimeout(onAbort, ANSWER_WITHIN_MS);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp' },
      body: sdp,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: limit.signal,
    });
    if (!response.ok) {
      return await refusal(response);
    }
    return {
      ok: true,
      sdp: await response.text(),
      session: response.headers.get('Location'),
    };
  } catch {
    return { ok: false, reason: 'network', retryAfterMs: undefined };
  } finally {
    window.clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Ends a session at the site. `keepalive` lets the request outlive the page. */
export function deleteSession(session: string): void {
  fetch(session, { method: 'DELETE', credentials: 'same-origin', keepalive: true }).catch(() => {
    // The site ends sessions without ICE consent by itself; nothing is left to do here.
  });
}
