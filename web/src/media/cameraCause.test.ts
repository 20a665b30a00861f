import { describe, expect, it } from 'vitest';
import type { Camera, Site } from '@/api/model';
import { causeOf, nudgeOf } from './cameraCause';

const camera = (part: Partial<Camera>): Camera => ({
  id: 'c1',
  site: 's1',
  name: '东门',
  place: '东校区大门',
  state: 'idle',
  reason: null,
  since: 100,
  viewers: 0,
  codec: null,
  width: null,
  height: null,
  local: false,
  ...part,
});

const site = (state: 'up' | 'down', since: number): Site => ({
  id: 's1',
  name: '东校区值班室',
  code: 'E',
  role: 'campus',
  self: false,
  link: { state, since, via: 'direct', catching_up: null },
});

describe('why a camera gives no picture', () => {
  it('is the cut line before anything the camera last said', () => {
    const refused = camera({ state: 'refused', reason: 'wrong_credentials' });
    expect(causeOf(refused, site('down', 40))).toEqual({ reason: 'site_unreachable', since: 40 });
  });

  it('is what the camera says while the campus is linked', () => {
    const refused = camera({ state: 'refused', reason: 'wrong_credentials' });
    expect(causeOf(refused, site('up', 40))).toEqual({ reason: 'wrong_credentials', since: 100 });
  });

  it('is unknown for a camera that works', () => {
    expect(causeOf(camera({ state: 'playing' }), site('up', 40))).toBeNull();
    expect(causeOf(camera({}), undefined)).toBeNull();
  });

  it('is worth a new try when the line comes back', () => {
    const idle = camera({});
    expect(nudgeOf(idle, site('down', 1))).not.toBe(nudgeOf(idle, site('up', 2)));
  });
});
