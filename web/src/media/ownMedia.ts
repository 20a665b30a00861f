/**
 * Own camera and microphone in a consultation: opens the devices, publishes them, switches them.
 * A device that fails narrows what is sent and never stops the person from listening.
 */
import { type DeviceProblem, type Devices, openCamera, openDevices, release } from './devices';
import { IDLE, type SessionState } from './session';
import { WhipPublisher } from './whip';

export interface OwnMediaState {
  /** The browser is opening devices, perhaps asking for permission. */
  opening: boolean;
  /** Null until the devices were tried. */
  mic: DeviceProblem | 'works' | null;
  camera: DeviceProblem | 'works' | null;
  micOn: boolean;
  cameraOn: boolean;
  /** Own picture for the preview; null while the camera is off or missing. */
  preview: MediaStream | null;
  /** The publishing session; idle for a listener. */
  session: SessionState;
}

export const NO_MEDIA: OwnMediaState = {
  opening: false,
  mic: null,
  camera: null,
  micOn: false,
  cameraOn: false,
  preview: null,
  session: IDLE,
};

function previewOf(track: MediaStreamTrack | null): MediaStream | null {
  return track === null ? null : new MediaStream([track]);
}

export class OwnMedia {
  readonly #participation: string;
  readonly #changed: (state: OwnMediaState) => void;
  #state = NO_MEDIA;
  #stream: MediaStream | null = null;
  #camera: MediaStreamTrack | null = null;
  #publisher: WhipPublisher | null = null;
  #stopped = false;

  constructor(participation: string, changed: (state: OwnMediaState) => void) {
    this.#participation = participation;
    this.#changed = changed;
  }

  /** Opens what there is and publishes it; also the way to try again after a device was plugged in. */
  async start(): Promise<void> {
    this.#end();
    this.#stopped = false;
    this.#set({ ...NO_MEDIA, opening: true });
    const devices = await openDevices();
    if (this.#stopped) {
      release(devices.stream);
      return;
    }
    this.#opened(devices);
  }

  stop(): void {
    this.#stopped = true;
    this.#end();
    this.#set(NO_MEDIA);
  }

  toggleMic(): void {
    if (this.#state.mic === 'works') {
      const micOn = !this.#state.micOn;
      this.#publisher?.setMic(micOn);
      this.#set({ ...this.#state, micOn });
    } else if (!this.#state.opening) {
      void this.start();
    }
  }

  /** Off lets go of the camera, so that its lamp goes out; on opens it again. */
  async toggleCamera(): Promise<void> {
    if (this.#state.opening) {
      return;
    }
    if (this.#state.camera !== 'works') {
      await this.start();
    } else if (this.#state.cameraOn) {
      await this.#switchCamera(null);
    } else {
      const track = await openCamera();
      if (typeof track === 'string') {
        this.#set({ ...this.#state, camera: track });
      } else if (this.#stopped) {
        track.stop();
      } else {
        await this.#switchCamera(track);
      }
    }
  }

  #opened(devices: Devices): void {
    this.#stream = devices.stream;
    this.#camera = devices.stream?.getVideoTracks()[0] ?? null;
    this.#set({
      opening: false,
      mic: devices.mic ?? 'works',
      camera: devices.camera ?? 'works',
      micOn: devices.mic === null,
      cameraOn: devices.camera === null,
      preview: previewOf(this.#camera),
      session: IDLE,
    });
    if (devices.stream === null) {
      return;
    }
    for (const track of devices.stream.getTracks()) {
      this.#watchForUnplugging(track);
    }
    this.#publisher = new WhipPublisher(this.#participation, devices.stream, {
      state: (session) => this.#set({ ...this.#state, session }),
    });
    this.#publisher.start();
  }

  async #switchCamera(track: MediaStreamTrack | null): Promise<void> {
    const old = this.#camera;
    this.#camera = track;
    if (track !== null) {
      this.#watchForUnplugging(track);
    }
    this.#set({ ...this.#state, cameraOn: track !== null, preview: previewOf(track) });
    await this.#publisher?.setCamera(track);
    old?.stop();
  }

  /** `ended` comes only from outside: a pulled plug or a permission taken back, never from stop(). */
  #watchForUnplugging(track: MediaStreamTrack): void {
    track.addEventListener('ended', () => {
      if (track.kind === 'audio' && this.#stream?.getAudioTracks().includes(track)) {
        this.#set({ ...this.#state, mic: 'missing', micOn: false });
      } else if (track === this.#camera) {
        void this.#switchCamera(null);
        this.#set({ ...this.#state, camera: 'missing' });
      }
    });
  }

  #end(): void {
    this.#publisher?.stop();
    this.#publisher = null;
    release(this.#stream);
    this.#stream = null;
    this.#camera?.stop();
    this.#camera = null;
  }

  #set(state: OwnMediaState): void {
    this.#state = state;
    this.#changed(state);
  }
}
