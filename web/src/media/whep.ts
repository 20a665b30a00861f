/**
 * A WHEP viewer: one source watched until it is stopped, through refusals, stalls and cut links.
 * All decisions are in `session.ts`; this class carries them out.
 */
import { type InboundSample, NOTHING, sampleInbound } from './inbound';
import type { Layer } from './layer';
import type { PeerLinkListener } from './peerLink';
import type { Reason } from './reasons';
import { type Receiving, receive, type SourceKind } from './receiving';
import { IDLE, type SessionEvent, type SessionState, step } from './session';
import { markFirstFrame, markStart } from './timing';

export interface WhepListener {
  state(state: SessionState): void;
  /** The stream to show; null when there is none any more. */
  stream(stream: MediaStream | null): void;
  /** The connection is about to be closed; its last picture can still be kept. */
  closing(): void;
  /** Whether the person is speaking now. */
  speaking(speaking: boolean): void;
}

/** Loudness from which a person counts as speaking (0..1, linear). */
const SPEAKING_FROM = 0.02;
/** Somebody in the room may answer the browser's question about the camera at any moment. */
const PERSON_WITHIN_MS = 5_000;
const SAMPLE_EVERY_MS = 1_000;
/** While changing layers the new picture is looked for this often, for at most `SWITCH_WITHIN_MS`. */
const SWITCH_LOOK_EVERY_MS = 100;
const SWITCH_WITHIN_MS = 8_000;

export class WhepPlayer {
  readonly #source: string;
  readonly #kind: SourceKind;
  readonly #listener: WhepListener;
  #layer: Layer;
  #mainUnreadable = false;
  #state: SessionState = IDLE;
  #now: Receiving | null = null;
  #next: Receiving | null = null;
  #last: InboundSample = NOTHING;
  #timer: number | undefined;

  constructor(source: string, kind: SourceKind, layer: Layer, listener: WhepListener) {
    this.#source = source;
    this.#kind = kind;
    this.#layer = layer;
    this.#listener = listener;
  }

  start(): void {
    markStart(this.#source);
    window.addEventListener('pagehide', this.#pageHidden);
    window.addEventListener('online', this.#online);
    this.#timer ??= window.setInterval(() => void this.#look(), SAMPLE_EVERY_MS);
    this.#dispatch({ type: 'start' });
  }

  stop(): void {
    window.removeEventListener('pagehide', this.#pageHidden);
    window.removeEventListener('online', this.#online);
    window.clearInterval(this.#timer);
    this.#timer = undefined;
    this.#dispatch({ type: 'stop' });
  }

  /** News says that trying now may help; does nothing while it plays. */
  nudge(): void {
    this.#dispatch({ type: 'nudge' });
  }

  /** The page has shown a picture (requestVideoFrameCallback); ms since the click, if it is the first. */
  pictureShown(): number | null {
    this.#dispatch({ type: 'media', picture: true });
    return markFirstFrame(this.#source);
  }

  /** Changes the layer without a gap: the old picture stays until the new one is decoded. */
  setLayer(layer: Layer): void {
    if (layer === this.#layer || (layer === 'main' && this.#mainUnreadable)) {
      return;
    }
    this.#layer = layer;
    this.#dropNext();
    if (this.#state.phase === 'playing') {
      void this.#switchOver();
    }
  }

  readonly #pageHidden = () => this.#dispatch({ type: 'transport', state: 'lost' });
  readonly #online = () => this.nudge();

  #dispatch(event: SessionEvent): void {
    const { state, effects } = step(this.#state, event, Date.now(), Math.random());
    const changed = state !== this.#state;
    this.#state = state;
    for (const effect of effects) {
      if (effect === 'open') {
        this.#open();
      } else {
        this.#close();
      }
    }
    if (changed) {
      this.#listener.state(this.#state);
    }
  }

  #open(): void {
    this.#close();
    const receiving = receive(this.#kind);
    if (receiving === null) {
      this.#dispatch({ type: 'refused', reason: 'no_webrtc' });
      return;
    }
    this.#now = receiving;
    this.#listener.stream(receiving.stream);
    const refused = (reason: Reason, wait?: number) => this.#refused(reason, wait);
    void receiving.link.connect(this.#url(), this.#hear(receiving, refused));
  }

  #close(): void {
    this.#dropNext();
    this.#last = NOTHING;
    if (this.#now !== null) {
      this.#listener.closing();
      this.#now.link.close();
      this.#now = null;
      this.#listener.stream(null);
      this.#listener.speaking(false);
    }
  }

  #hear(receiving: Receiving, refused: PeerLinkListener['refused']): PeerLinkListener {
    return {
      refused,
      transport: (state) => {
        if (this.#now?.link === receiving.link) {
          this.#dispatch({ type: 'transport', state });
        }
      },
    };
  }

  #url(): string {
    const path = `/whep/${encodeURIComponent(this.#source)}`;
    return this.#kind === 'camera' ? `${path}?layer=${this.#layer}` : path;
  }

  /** A camera whose main stream this browser cannot decode often has an H.264 sub-stream. */
  #refused(reason: Reason, retryAfterMs?: number): void {
    if (reason === 'codec_unsupported' && this.#kind === 'camera' && this.#layer === 'main') {
      this.#mainUnreadable = true;
      this.#layer = 'sub';
      this.#open();
      return;
    }
    const withinMs = this.#kind === 'person' ? PERSON_WITHIN_MS : undefined;
    this.#dispatch({ type: 'refused', reason, retryAfterMs, withinMs });
  }

  async #look(): Promise<void> {
    const receiving = this.#now;
    if (receiving !== null) {
      const sample = await sampleInbound(receiving.link.pc);
      if (receiving !== this.#now) {
        return;
      }
      const picture = sample.pictures > this.#last.pictures;
      const sound = sample.soundPackets > this.#last.soundPackets;
      this.#last = sample;
      if (picture || (sound && this.#kind === 'person')) {
        this.#dispatch({ type: 'media', picture });
      }
      this.#listener.speaking(sound && (sample.level ?? 0) >= SPEAKING_FROM);
    }
    this.#dispatch({ type: 'tick' });
  }

  async #switchOver(): Promise<void> {
    const next = receive(this.#kind);
    if (next === null) {
      return;
    }
    this.#next = next;
    const refused = () => {
      if (this.#next === next) {
        this.#dropNext();
      }
    };
    void next.link.connect(this.#url(), this.#hear(next, refused));
    const until = Date.now() + SWITCH_WITHIN_MS;
    while (this.#next === next && Date.now() < until) {
      const sample = await sampleInbound(next.link.pc);
      if (this.#next === next && sample.pictures > 0) {
        this.#takeOver(next, sample);
        return;
      }
      await new Promise((resolve) => window.setTimeout(resolve, SWITCH_LOOK_EVERY_MS));
    }
    if (this.#next === next) {
      this.#dropNext();
    }
  }

  #takeOver(next: Receiving, sample: InboundSample): void {
    this.#next = null;
    const old = this.#now;
    if (old === null) {
      next.link.close();
      return;
    }
    // Changing the track inside the stream keeps the last picture; a new stream would flash black.
    for (const track of next.stream.getTracks()) {
      old.stream.addTrack(track);
    }
    for (const track of old.stream.getTracks()) {
      if (!next.stream.getTracks().includes(track)) {
        old.stream.removeTrack(track);
      }
    }
    this.#now = { link: next.link, stream: old.stream };
    this.#last = sample;
    old.link.close();
    this.#dispatch({ type: 'media', picture: true });
  }

  #dropNext(): void {
    this.#next?.link.close();
    this.#next = null;
  }
}
