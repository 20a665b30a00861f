/** The HTTP half of WHEP and WHIP: an offer goes in, an answer and the session's address come out. */
import { type Reason, toReason } from './reasons';

export type OfferResult =
  | { ok: true; sdp: string; session: string | null }
  | { ok: false; reason: Reason; retryAfterMs: number | undefined };

interface ErrorEnvelope {
  error?: { code?: string; retry_after_s?: number; reason?: string };
}

/** Longer than the site's own time-out for a camera or a far site, so that its reason arrives. */
const ANSWER_WITHIN_MS = 12_000;

async function refusal(response: Response): Promise<OfferResult> {
  const body = (await response.json().catch(() => ({}))) as ErrorEnvelope;
  const wait = body.error?.retry_after_s;
  return {
    ok: false,
    reason: toReason(body.error?.code),
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
    const location = response.headers.get('Location');
    return {
      ok: true,
      sdp: await response.text(),
      session: location === null ? null : new URL(location, response.url).toString(),
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
