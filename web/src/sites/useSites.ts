import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Site } from '@/api/model';
import { sitesQuery } from '@/api/queries';

const NONE: Site[] = [];

/** `东校区` for `东校区值班室`; `总值班室` stays whole. */
export function shortName(name: string): string {
  return name.replace(/(.)值班室$/, (all, before: string) => (before === '总' ? all : before));
}

export function useSites() {
  const query = useQuery(sitesQuery);
  const sites = query.data?.sites ?? NONE;
  return useMemo(() => {
    const byId = new Map(sites.map((site) => [site.id, site]));
    return {
      query,
      sites,
      self: sites.find((site) => site.self),
      name: (id: string) => byId.get(id)?.name ?? id.slice(0, 6),
      short: (id: string) => shortName(byId.get(id)?.name ?? id.slice(0, 6)),
    };
  }, [query, sites]);
}
