import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import type { Site, SiteList } from '@/api/model';
import { keys } from '@/api/queries';
import '@/i18n';

/** Shows something at a campus that knows only itself. */
export function showAtSite(shown: ReactNode, part: Partial<Site>): QueryClient {
  const self: Site = {
    id: '1',
    name: '东校区值班室',
    code: 'E',
    role: 'campus',
    self: true,
    link: { state: 'self', since: null, via: null, catching_up: null },
    held_only_here: 0,
    ...part,
  };
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData<SiteList>(keys.sites, { now: 0, sites: [self] });
  render(<QueryClientProvider client={queries}>{shown}</QueryClientProvider>);
  return queries;
}
