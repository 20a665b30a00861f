/** A connection that will receive one source, made ready before anybody asks for a picture. */
import { PeerLink, preferCodecs, webRtcWorks } from './peerLink';

/** A camera has a picture only; a person may send voice, picture or both. */
export type SourceKind = 'camera' | 'person';

export interface Receiving {
  link: PeerLink;
  stream: MediaStream;
}

/** Shows frames as they come: a duty officer wants now, not smooth. */
function playAtOnce(receiver: RTCRtpReceiver): void {
  const tunable = receiver as RTCRtpReceiver & {
    jitterBufferTarget?: number | null;
    playoutDelayHint?: number | null;
  };
  if ('jitterBufferTarget' in tunable) {
    tunable.jitterBufferTarget = 0;
  } else if ('playoutDelayHint' in tunable) {
    (tunable as { playoutDelayHint: number | null }).playoutDelayHint = 0;
  }
}

function make(kind: SourceKind): Receiving {
  const link = new PeerLink();
  const stream = new MediaStream();
  const video = link.pc.addTransceiver('video', { direction: 'recvonly' });
  stream.addTrack(video.receiver.track);
  if (kind === 'camera') {
    preferCodecs(video, RTCRtpReceiver.getCapabilities('video'), ['video/H264', 'video/H265']);
    playAtOnce(video.receiver);
  } else {
    const audio = link.pc.addTransceiver('audio', { direction: 'recvonly' });
    stream.addTrack(audio.receiver.track);
  }
  return { link, stream };
}

/** The next spare is made when the picture just asked for has had the processor to itself. */
const REFILL_AFTER_MS = 1_500;
/** A spare is bound to the network it was made on; an old one is thrown away. */
const SPARE_LIVES_MS = 240_000;

let spare: (Receiving & { madeAt: number }) | null = null;
let refill: number | undefined;

function makeSpare(): void {
  dropSpare();
  if (!webRtcWorks()) {
    return;
  }
  spare = { ...make('camera'), madeAt: performance.now() };
  // A failure shows again, with its reason, when the connection is used.
  spare.link.prepare().catch(() => {});
  refill = window.setTimeout(makeSpare, SPARE_LIVES_MS);
}

function dropSpare(): void {
  window.clearTimeout(refill);
  spare?.link.close();
  spare = null;
}

/**
 * Keeps one camera connection with a finished offer at hand, so that a click only has to post it:
 * starting the browser's WebRTC engine and making the offer take longer than the site's answer.
 * Returns how to stop.
 */
export function keepSpare(): () => void {
  makeSpare();
  return dropSpare;
}

/** A connection for one try; null where the browser has no WebRTC. */
export function receive(kind: SourceKind): Receiving | null {
  if (!webRtcWorks()) {
    return null;
  }
  if (kind === 'person' || spare === null) {
    return make(kind);
  }
  const ready = spare;
  spare = null;
  window.clearTimeout(refill);
  refill = window.setTimeout(makeSpare, REFILL_AFTER_MS);
  return ready;
}
