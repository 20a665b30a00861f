/**
 * Why a picture or a voice is missing: the closed list that the screen can put into words.
 * The first block comes from the site (camera rows and error envelopes), the second is found here.
 */
export const REASONS = [
  'wrong_credentials',
  'refused',
  'timeout',
  'codec_unsupported',
  'not_allowed_network',
  'no_video',
  'stream_ended',
  'site_unreachable',
  'not_admitted',
  'camera_unavailable',
  'viewer_limit',
  'not_signed_in',
  'forbidden',
  'not_found',
  'conflict_state',
  'network',
  'no_webrtc',
  'internal',
] as const;

export type Reason = (typeof REASONS)[number];

/** Reasons that trying again cannot cure; somebody has to act first. */
const FINAL: readonly Reason[] = [
  'codec_unsupported',
  'not_signed_in',
  'forbidden',
  'conflict_state',
  'no_webrtc',
];

/** Refusals at the camera or its campus: tries go on, but only somebody there can cure them. */
const REFUSALS: readonly Reason[] = [
  'wrong_credentials',
  'refused',
  'not_allowed_network',
  'not_admitted',
];

/** True when the owner of the camera has to act before a try can succeed. */
export function needsPerson(reason: Reason): boolean {
  return REFUSALS.includes(reason);
}

/** Narrows a code from the wire; a code this build does not know reads as an internal fault. */
export function toReason(code: string | null | undefined): Reason {
  return REASONS.find((known) => known === code) ?? 'internal';
}

/** True when a retry is pointless until a person changes something. */
export function isFinal(reason: Reason): boolean {
  return FINAL.includes(reason);
}
