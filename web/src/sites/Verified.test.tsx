import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Site } from '@/api/model';
import { showAtSite } from '@/test/site';
import { Verified } from './Verified';

const shown = (verified: Site['verified']) => showAtSite(<Verified bar />, { verified });

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
