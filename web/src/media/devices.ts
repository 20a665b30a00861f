/** Own camera and microphone: the best that can be had, and words for what cannot. Never throws. */

/** Why a device is not there. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'insecure' | 'failed';

export type DeviceMode = 'both' | 'mic' | 'camera' | 'listener';

export interface Devices {
  mode: DeviceMode;
  /** Null for a listener. */
  stream: MediaStream | null;
  /** Null while the device works. */
  mic: DeviceProblem | null;
  camera: DeviceProblem | null;
}

/** 720p at 15 frames is what a weak duty-room PC can encode beside its other work. */
export const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 15, max: 15 },
};

export const AUDIO: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

type GetUserMedia = (constraints: MediaStreamConstraints) => Promise<MediaStream>;

/** Reads the browser's error names; unknown ones are plain failures. */
export function problemOf(error: unknown): DeviceProblem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

async function attempt(
  open: GetUserMedia,
  constraints: MediaStreamConstraints,
): Promise<MediaStream | DeviceProblem> {
  try {
    return await open(constraints);
  } catch (error) {
    return problemOf(error);
  }
}

function browserDevices(): GetUserMedia | null {
  // Absent outside HTTPS and localhost, whatever the DOM types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return devices === undefined ? null : (constraints) => devices.getUserMedia(constraints);
}

/**
 * Camera and microphone, else microphone, else camera, else nothing: joining never fails for want
 * of a device.
 */
export async function openDevices(open: GetUserMedia | null = browserDevices()): Promise<Devices> {
  if (open === null) {
    return { mode: 'listener', stream: null, mic: 'insecure', camera: 'insecure' };
  }
  const both = await attempt(open, { audio: AUDIO, video: VIDEO });
  if (typeof both !== 'string') {
    return { mode: 'both', stream: both, mic: null, camera: null };
  }
  const mic = await attempt(open, { audio: AUDIO });
  if (typeof mic !== 'string') {
    return { mode: 'mic', stream: mic, mic: null, camera: both };
  }
  const camera = await attempt(open, { video: VIDEO });
  if (typeof camera !== 'string') {
    return { mode: 'camera', stream: camera, mic, camera: null };
  }
  return { mode: 'listener', stream: null, mic, camera };
}

/** A fresh camera track, after the camera was switched off. */
export async function openCamera(
  open: GetUserMedia | null = browserDevices(),
): Promise<MediaStreamTrack | DeviceProblem> {
  if (open === null) {
    return 'insecure';
  }
  const stream = await attempt(open, { video: VIDEO });
  return typeof stream === 'string' ? stream : (stream.getVideoTracks()[0] ?? 'missing');
}

/** What is plugged in, without asking for permission; null where the browser does not tell. */
export async function pluggedIn(): Promise<{ mic: boolean; camera: boolean } | null> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) {
    return null;
  }
  try {
    const list = await devices.enumerateDevices();
    return {
      mic: list.some((device) => device.kind === 'audioinput'),
      camera: list.some((device) => device.kind === 'videoinput'),
    };
  } catch {
    return null;
  }
}

/** Lets go of every device of a stream, so that their lamps go out. */
export function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) {
    track.stop();
  }
}
