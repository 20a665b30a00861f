import { afterEach, describe, expect, it, vi } from 'vitest';
import { postOffer } from './signalling';

function siteAnswers(response: Response | Error) {
  const fetch = vi.fn(() =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response),
  );
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

function refusal(status: number, error: object): Response {
  return new Response(JSON.stringify({ error }), { status });
}

const post = () => postOffer('/whep/c1?layer=sub', 'v=0', new AbortController().signal);

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('an offer to the site', () => {
  it('brings the answer and the address of the session', async () => {
    const fetch = siteAnswers(
      new Response('v=0 answer', { status: 201, headers: { Location: '/whep/sessions/s1' } }),
    );
    expect(await post()).toEqual({
      ok: true,
      sdp: 'v=0 answer',
      session: '/whep/sessions/s1',
    });
    expect(fetch).toHaveBeenCalledWith(
      '/whep/c1?layer=sub',
      expect.objectContaining({ method: 'POST', body: 'v=0' }),
    );
  });

  it('is refused with the reason of the camera where the site names it', async () => {
    siteAnswers(refusal(503, { code: 'camera_unavailable', message: 'wrong_credentials' }));
    expect(await post()).toMatchObject({ ok: false, reason: 'wrong_credentials' });
  });

  it('is refused with the code alone where the message is for developers', async () => {
    siteAnswers(refusal(503, { code: 'viewer_limit', message: 'full', retry_after_s: 30 }));
    expect(await post()).toEqual({ ok: false, reason: 'viewer_limit', retryAfterMs: 30_000 });
  });

  it('reads the page of a proxy as an internal fault', async () => {
    siteAnswers(new Response('<html>502</html>', { status: 502 }));
    expect(await post()).toMatchObject({ ok: false, reason: 'internal' });
  });

  it('reads a lost line as such and does not throw', async () => {
    siteAnswers(new TypeError('Failed to fetch'));
    expect(await post()).toMatchObject({ ok: false, reason: 'network' });
  });
});
