/**
 * A WHIP publisher: own camera and microphone sent to the own site, once, however many listen.
 * Switching microphone and camera never renegotiates, so nobody's picture blinks for it.
 */
import { PeerLink, preferCodecs, webRtcWorks } from './peerLink';
import { IDLE, type SessionEvent, type SessionState, step } from './session';

/** Bit/s; enough for 720p at 15 frames of a face, small enough for a campus uplink of ten people. */
const VIDEO_BITRATE = 1_200_000;
const LOOK_EVERY_MS = 1_000;

export interface WhipListener {
  state(state: SessionState): void;
}

export class WhipPublisher {
  readonly #url: string;
  readonly #listener: WhipListener;
  #audio: MediaStreamTrack | null;
  #video: MediaStreamTrack | null;
  /** Whether the offer has a video line, even while the camera is switched off. */
  readonly #hasVideo: boolean;
  #videoSender: RTCRtpSender | null = null;
  #state: SessionState = IDLE;
  #link: PeerLink | null = null;
  #timer: number | undefined;

  constructor(participation: string, stream: MediaStream, listener: WhipListener) {
    this.#url = `/whip/${encodeURIComponent(participation)}`;
    this.#listener = listener;
    this.#audio = stream.getAudioTracks()[0] ?? null;
    this.#video = stream.getVideoTracks()[0] ?? null;
    this.#hasVideo = this.#video !== null;
  }

  start(): void {
    window.addEventListener('pagehide', this.#pageHidden);
    window.addEventListener('online', this.#online);
    this.#timer ??= window.setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#dispatch({ type: 'start' });
  }

  /** Ends the session; the tracks stay with whoever opened them. */
  stop(): void {
    window.removeEventListener('pagehide', this.#pageHidden);
    window.removeEventListener('online', this.#online);
    window.clearInterval(this.#timer);
    this.#timer = undefined;
    this.#dispatch({ type: 'stop' });
  }

  setMic(on: boolean): void {
    if (this.#audio !== null) {
      this.#audio.enabled = on;
    }
  }

  /** Sends this camera track from now on, or no picture with null. */
  async setCamera(track: MediaStreamTrack | null): Promise<void> {
    this.#video = track;
    await this.#videoSender?.replaceTrack(track);
  }

  readonly #pageHidden = () => this.#dispatch({ type: 'transport', state: 'lost' });
  readonly #online = () => this.#dispatch({ type: 'nudge' });

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

  /** A connected transport is what "published" means; a switched-off camera sends nothing. */
  #look(): void {
    if (this.#link?.pc.connectionState === 'connected') {
      this.#dispatch({ type: 'media', picture: this.#video !== null });
    }
    this.#dispatch({ type: 'tick' });
  }

  #open(): void {
    this.#close();
    if (!webRtcWorks()) {
      this.#dispatch({ type: 'refused', reason: 'no_webrtc' });
      return;
    }
    const link = new PeerLink();
    this.#link = link;
    if (this.#audio !== null) {
      link.pc.addTransceiver(this.#audio, { direction: 'sendonly' });
    }
    if (this.#hasVideo) {
      const video = link.pc.addTransceiver(this.#video ?? 'video', {
        direction: 'sendonly',
        sendEncodings: [{ maxBitrate: VIDEO_BITRATE }],
      });
      preferCodecs(video, RTCRtpSender.getCapabilities('video'), ['video/VP8']);
      this.#videoSender = video.sender;
    }
    void link.connect(this.#url, {
      refused: (reason, retryAfterMs) => this.#dispatch({ type: 'refused', reason, retryAfterMs }),
      transport: (state) => {
        this.#dispatch({ type: 'transport', state });
        if (state === 'up') {
          this.#look();
        }
      },
    });
  }

  #close(): void {
    this.#link?.close();
    this.#link = null;
    this.#videoSender = null;
  }
}
