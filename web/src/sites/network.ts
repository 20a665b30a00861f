import type { Site } from '@/api/model';

export type NetworkWords =
  | { words: 'unknown' | 'hubNone' | 'hubAll' | 'linkedHub'; cut: false }
  | { words: 'cutHub'; cut: true; since: number | null }
  | { words: 'cutHubDirect'; cut: true; since: number | null; names: string[] }
  | { words: 'hubCut'; cut: true; since: number | null; names: string[] };

/** Whether a site cannot be reached from this one. */
export function cutOff(site: Site | undefined): boolean {
  return site?.link.state === 'down' || site?.link.state === 'revoked';
}

/** What the desk's head says of the network, seen from the site itself. */
export function networkWords(sites: Site[]): NetworkWords {
  const self = sites.find((site) => site.self);
  if (!self) return { words: 'unknown', cut: false };
  const others = sites.filter((site) => !site.self && site.link.state !== 'revoked');
  if (self.role === 'hub') {
    if (others.length === 0) return { words: 'hubNone', cut: false };
    const cut = others.filter((site) => site.link.state === 'down');
    if (cut.length === 0) return { words: 'hubAll', cut: false };
    const since = cut.map((s) => s.link.since).filter((s): s is number => s !== null);
    return {
      words: 'hubCut',
      cut: true,
      since: since.length > 0 ? Math.min(...since) : null,
      names: cut.map((site) => site.name),
    };
  }
  const hub = others.find((site) => site.role === 'hub');
  if (!hub) return { words: 'unknown', cut: false };
  if (hub.link.state === 'up') return { words: 'linkedHub', cut: false };
  const since = hub.link.since;
  const direct = others.filter((site) => site.link.state === 'up');
  if (direct.length === 0) return { words: 'cutHub', cut: true, since };
  return { words: 'cutHubDirect', cut: true, since, names: direct.map((site) => site.name) };
}
