import { describe, expect, it } from 'vitest';
import type { Camera, Site } from '@/api/model';
import { groupBySite } from './groups';

const site = (id: string, self = false) => ({ id, self }) as Site;
const camera = (id: string, siteId: string) => ({ id, site: siteId }) as Camera;

describe('cameras by campus', () => {
  it('begin with the own campus and leave out campuses without a camera', () => {
    const groups = groupBySite(
      [camera('a', 'east'), camera('b', 'west'), camera('c', 'east')],
      [site('hub'), site('east'), site('west', true)],
    );
    expect(groups.map((g) => [g.siteId, g.cameras.map((c) => c.id)])).toEqual([
      ['west', ['b']],
      ['east', ['a', 'c']],
    ]);
  });

  it('keep cameras of a campus that is not listed', () => {
    const groups = groupBySite([camera('a', 'new')], []);
    expect(groups).toMatchObject([{ siteId: 'new', site: undefined }]);
  });
});
