import type { Participant } from '@/api/model';

/** Those in the room now, in order of joining. */
export function present(participants: readonly Participant[]): Participant[] {
  return participants.filter((one) => one.left_at === null);
}

/** How many people that is: one person may be there with two devices. */
export function headCount(participants: readonly Participant[]): number {
  return new Set(present(participants).map(({ person }) => person.id)).size;
}

/** The list of the record: who is here first, then who left, each in order of joining. */
export function hereFirst(participants: readonly Participant[]): Participant[] {
  return [...present(participants), ...participants.filter((one) => one.left_at !== null)];
}

/**
 * Whose tiles this page shows. The own person's other devices are left out: their loudspeaker and
 * this microphone would howl.
 */
export function others(participants: readonly Participant[], me: string): Participant[] {
  return present(participants).filter((one) => one.person.id !== me);
}
