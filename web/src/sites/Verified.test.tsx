import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Site, SiteList } from '@/api/model';
import { keys } from '@/api/queries';
import '@/i18n';
import { Verified } from './Verified';

function shown(verified: Site['verified']) {
  const self: Site = {
    id: '1',
    name: '东校区值班室',
    code: 'E',
    role: 'campus',
    self: true,
    link: { state: 'self', since: null, via: null, catching_up: null },
    held_only_here: 0,
    verified,
  };
  const queries = new QueryClient();
  queries.setQueryData<SiteList>(keys.sites, { now: 0, sites: [self] });
  render(
    <QueryClientProvider client={queries}>
      <Verified bar />
    </QueryClientProvider>,
  );
}

describe('how far the replay is', () => {
  it('is told in figures and as a bar while rows are not proved yet', () => {
    shown({ to: 12_000, of: 440_000 });
    const bar = screen.getByRole('progressbar', { name: '已核验至 12,000 / 共 440,000' });
    expect(bar).toHaveProperty('value', 12_000);
  });

  it('is not mentioned once all is proved', () => {
    shown(null);
    expect(screen.queryByRole('progressbar')).toBeNull();
  });
});
