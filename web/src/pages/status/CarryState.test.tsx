import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { keys } from '@/api/queries';
import { i18n } from '@/i18n';
import { CarryState } from './CarryState';
import type { Carrying } from './useCarry';

const t = i18n.t.bind(i18n);
const nothing = {
  ...{ problem: null, from: 'e', created_at: 0, bytes: 900, new: 0, known: 4, quarantined: 0 },
  ...{ mended: 0, blobs: 0, blobs_without_room: 0, forks: 0, waiting: 0 },
} as const;

function shown(carrying: Carrying): string {
  const queries = new QueryClient();
  queries.setQueryData(keys.sites, { now: 0, sites: [] });
  const { container } = render(
    <QueryClientProvider client={queries}>
      <CarryState carrying={carrying} onStop={vi.fn()} />
    </QueryClientProvider>,
  );
  return container.textContent ?? '';
}

const imported = (result: object) =>
  shown({ state: 'imported', file: 'a.carry', result: { ...nothing, ...result } });

describe('a carried file', () => {
  it('tells how far it is, and that it is examined once it is sent', () => {
    const state = { state: 'importing', of: 2_000_000, file: 'a.carry' } as const;
    expect(shown({ ...state, bytes: 500_000 })).toContain('500 kB / 2.0 MB');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25');
    expect(shown({ ...state, bytes: 2_000_000 })).toContain(
      t('carry.checking', { file: 'a.carry' }),
    );
  });

  it('says so when everything in it was here already', () => {
    expect(imported({})).toContain(t('carry.nothingNew'));
    expect(imported({ blobs: 1 })).not.toContain(t('carry.nothingNew'));
  });

  it('counts what came before the damage, and nothing where nothing was read', () => {
    expect(imported({ problem: 'cut', new: 7 })).toContain(`${t('carry.new')}7`);
    const wrong = imported({ problem: 'not_for_us' });
    expect(wrong).toContain(t('carry.problem.not_for_us'));
    expect(wrong).not.toContain(t('carry.known'));
  });

  it('says what the rest waits for', () => {
    expect(imported({ new: 1, waiting: 3 })).toContain(t('carry.waitingHint', { n: 3 }));
  });
});
