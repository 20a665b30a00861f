import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Site, SiteList } from '@/api/model';
import { keys } from '@/api/queries';
import '@/i18n';
import { RevokeForm } from './RevokeForm';
import { Unconfirmed } from './Unconfirmed';

const site = (name: string, state: Site['link']['state']): Site => ({
  ...{ id: name, name, code: name, role: 'campus', self: state === 'self' },
  link: { state, since: null, via: null, catching_up: null },
});

function shown(unconfirmed: boolean, east: Site['link']['state']) {
  const queries = new QueryClient({
    defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } },
  });
  const sites = [site('总值班室', 'self'), site('东校区值班室', east)];
  queries.setQueryData<SiteList>(keys.sites, { now: 0, sites });
  const status = { unconfirmed, scrub: { asked: false } };
  queries.setQueryData(keys.adminStatus, status);
  render(
    <QueryClientProvider client={queries}>
      <Unconfirmed />
      <RevokeForm />
    </QueryClientProvider>,
  );
}

const revoke = () => screen.getByRole('button', { name: /吊\s?销/ });

describe('a hub that was restored from a backup', () => {
  it('says whom it waits for, and cannot be asked to revoke', () => {
    shown(true, 'down');
    expect(screen.getByRole('alert').textContent).toContain('正在等待东校区值班室联网');
    expect(revoke()).toHaveProperty('disabled', true);
    expect(screen.getByText(/请先与任一校区联网核对/)).toBeTruthy();
  });

  it('says with whom it compares', () => {
    shown(true, 'up');
    expect(screen.getByRole('alert').textContent).toContain('已与东校区值班室联网，正在核对');
  });

  it('decides again once it is confirmed', () => {
    shown(false, 'up');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(revoke()).toHaveProperty('disabled', false);
  });
});
