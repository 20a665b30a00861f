import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { showAtSite } from '@/test/site';
import { CopiedBand } from './CopiedBand';

describe('a site whose data directory runs on two machines', () => {
  it('says so and what to do', () => {
    showAtSite(<CopiedBand />, { copied_since: Date.now() });
    expect(screen.getByRole('alert').textContent).toContain('请停用其中一台');
  });

  it('is not spoken of where nothing was noticed', () => {
    showAtSite(<CopiedBand />, {});
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
