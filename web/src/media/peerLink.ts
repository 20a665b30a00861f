/** One try of one session: an RTCPeerConnection plus its WHEP or WHIP resource. Used once. */
import type { Reason } from './reasons';
import { deleteSession, postOffer } from './signalling';

export interface PeerLinkListener {
  /** The transport came up, wavers, or is gone for good. */
  transport(state: 'up' | 'shaky' | 'lost'): void;
  /** The site (or this browser) declined; the link is useless from now on. */
  refused(reason: Reason, retryAfterMs?: number): void;
}

/** No ICE servers by design: a browser only ever talks to its own site. */
const CONFIGURATION: RTCConfiguration = { iceServers: [], bundlePolicy: 'max-bundle' };

/** False where the browser or its policy has no WebRTC. */
export function webRtcWorks(): boolean {
  return typeof RTCPeerConnection === 'function';
}

/** Puts `mimeTypes` first, in their order; everything else stays offered behind them. */
export function preferCodecs(
  transceiver: RTCRtpTransceiver,
  capabilities: RTCRtpCapabilities | null,
  mimeTypes: readonly string[],
): void {
  const codecs = capabilities?.codecs;
  if (codecs === undefined || typeof transceiver.setCodecPreferences !== 'function') {
    return;
  }
  const rank = (codec: { mimeType: string }) => {
    const found = mimeTypes.indexOf(codec.mimeType);
    return found === -1 ? mimeTypes.length : found;
  };
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

export class PeerLink {
  readonly pc = new RTCPeerConnection(CONFIGURATION);
  readonly #abort = new AbortController();
  #listener: PeerLinkListener | null = null;
  #offer: Promise<string> | null = null;
  #session: string | null = null;
  #closed = false;

  /** Makes the offer out of the transceivers present; may be done ahead of `connect`. */
  prepare(): Promise<string> {
    this.#offer ??= this.#makeOffer();
    return this.#offer;
  }

  /**
   * Posts the offer to `url`. The site is ICE-lite and puts its candidates in the answer, so the
   * offer leaves at once, without waiting for candidates of this side.
   */
  async connect(url: string, listener: PeerLinkListener): Promise<void> {
    this.#listener = listener;
    this.pc.onconnectionstatechange = () => this.#connectionChanged();
    try {
      const result = await postOffer(url, await this.prepare(), this.#abort.signal);
      if (!result.ok) {
        this.#refuse(result.reason, result.retryAfterMs);
        return;
      }
      this.#session = result.session;
      if (this.#closed) {
        this.#endSession();
        return;
      }
      await this.pc.setRemoteDescription({ type: 'answer', sdp: result.sdp });
    } catch (error) {
      if (!this.#closed) {
        // An answer this browser cannot read; the text helps whoever looks into the console.
        console.warn('media session failed', error);
        this.#refuse('internal');
      }
    }
  }

  /** Idempotent; ends the session at the site too, also while the page is going away. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#abort.abort();
    this.#endSession();
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  async #makeOffer(): Promise<string> {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    return this.pc.localDescription?.sdp ?? '';
  }

  #endSession(): void {
    if (this.#session !== null) {
      deleteSession(this.#session);
      this.#session = null;
    }
  }

  #refuse(reason: Reason, retryAfterMs?: number): void {
    if (!this.#closed) {
      this.#listener?.refused(reason, retryAfterMs);
    }
  }

  #connectionChanged(): void {
    switch (this.pc.connectionState) {
      case 'connected':
        this.#listener?.transport('up');
        break;
      case 'disconnected':
        this.#listener?.transport('shaky');
        break;
      case 'failed':
        this.#listener?.transport('lost');
        break;
      default:
        break;
    }
  }
}
