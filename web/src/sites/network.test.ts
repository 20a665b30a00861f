import { describe, expect, it } from 'vitest';
import type { Site } from '@/api/model';
import { networkWords } from './network';
import { shortName } from './useSites';

const site = (part: Partial<Site> & { state?: Site['link']['state']; since?: number | null }) =>
  ({
    id: part.name ?? 'x',
    name: '东校区值班室',
    code: 'E',
    role: 'campus',
    self: false,
    ...part,
    link: { state: part.state ?? 'up', since: part.since ?? null, via: null },
  }) as Site;

const self = (role: Site['role']) => site({ role, self: true, state: 'self', name: '本机' });
const hub = (state: 'up' | 'down', since: number | null = null) =>
  site({ role: 'hub', name: '总值班室', state, since });

describe('the network in the head of a campus', () => {
  it('speaks of the link to 总值班室', () => {
    expect(networkWords([hub('up'), self('campus')])).toEqual({ words: 'linkedHub', cut: false });
    expect(networkWords([hub('down', 5), self('campus')])).toEqual({
      words: 'cutHub',
      cut: true,
      since: 5,
    });
  });

  it('names the campuses that are linked directly while 总值班室 is gone', () => {
    const west = site({ name: '西校区值班室', state: 'up', since: 6 });
    expect(networkWords([hub('down', 5), self('campus'), west])).toEqual({
      words: 'cutHubDirect',
      cut: true,
      since: 5,
      names: ['西校区值班室'],
    });
  });

  it('is not disturbed by another campus being cut off', () => {
    const west = site({ name: '西校区值班室', state: 'down', since: 1 });
    expect(networkWords([hub('up'), self('campus'), west]).cut).toBe(false);
  });
});

describe('the network in the head of 总值班室', () => {
  it('names the campuses that are cut off, since the first of them', () => {
    const words = networkWords([
      self('hub'),
      site({ name: '东校区值班室' }),
      site({ name: '西校区值班室', state: 'down', since: 9 }),
    ]);
    expect(words).toEqual({ words: 'hubCut', cut: true, since: 9, names: ['西校区值班室'] });
  });

  it('does not miss a campus whose key was revoked', () => {
    const revoked = site({ name: '西校区值班室', state: 'revoked' });
    const words = networkWords([self('hub'), site({ name: '东校区值班室' }), revoked]);
    expect(words.words).toBe('hubAll');
  });

  it('tells no campus from all campuses connected', () => {
    expect(networkWords([self('hub')]).words).toBe('hubNone');
    expect(networkWords([self('hub'), site({})]).words).toBe('hubAll');
  });
});

it('calls a campus by its short name and 总值班室 by its whole one', () => {
  expect([shortName('东校区值班室'), shortName('总值班室')]).toEqual(['东校区', '总值班室']);
});
