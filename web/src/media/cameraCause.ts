import type { Camera, Site } from '@/api/model';
import { cutOff } from '@/sites/network';
import { toReason } from './reasons';
import type { Cause } from './stateWords';

/** Why a camera gives no picture, by the feed's rows; null when they know of no trouble. */
export function causeOf(camera: Camera, site: Site | undefined): Cause | null {
  if (site !== undefined && cutOff(site)) {
    return { reason: 'site_unreachable', since: site.link.since };
  }
  const troubled =
    camera.state === 'refused' || camera.state === 'unreachable' || camera.state === 'retrying';
  return troubled && camera.reason !== null
    ? { reason: toReason(camera.reason), since: camera.since }
    : null;
}

/** Changes when the news about a camera make a try worth while: the link is up, or it serves again. */
export function nudgeOf(camera: Camera, site: Site | undefined): string {
  const serves = camera.state === 'playing' || camera.state === 'idle';
  return `${cutOff(site) ? 'cut' : 'linked'} ${serves ? 'serves' : 'fails'}`;
}
