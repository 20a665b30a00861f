import type { Camera, Site } from '@/api/model';

export interface CameraGroup {
  /** Undefined for cameras of a campus this site does not list (yet). */
  site: Site | undefined;
  siteId: string;
  cameras: Camera[];
}

/**
 * Cameras by campus: the own campus first, then the others in the order of the list of sites,
 * campuses without a camera left out. Within a campus the order of the site's configuration stays.
 */
export function groupBySite(cameras: readonly Camera[], sites: readonly Site[]): CameraGroup[] {
  const known = [...sites].sort((a, b) => Number(b.self) - Number(a.self));
  const ids = known.map((site) => site.id);
  for (const camera of cameras) {
    if (!ids.includes(camera.site)) {
      ids.push(camera.site);
    }
  }
  return ids
    .map((siteId) => ({
      siteId,
      site: known.find((site) => site.id === siteId),
      cameras: cameras.filter((camera) => camera.site === siteId),
    }))
    .filter((group) => group.cameras.length > 0);
}
