import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import '@/i18n';
import { CatchingUp } from './CatchingUp';

const up = { state: 'up', since: 1, via: 'direct', catching_up: null } as const;
const none = { missing: 0, of: 0 };

describe('how far two sites are behind each other', () => {
  it('shows a bar for the direction in which something is missing', () => {
    const incoming = { missing: 32_360, of: 33_600 };
    render(<CatchingUp link={{ ...up, catching_up: { incoming, outgoing: none } }} />);
    const bars = screen.getAllByRole('progressbar');
    expect(bars).toHaveLength(1);
    expect(bars[0]?.getAttribute('value')).toBe('1240');
    expect(bars[0]?.getAttribute('aria-label')).toMatch(/1,240 \/ 33,600/);
  });

  it('says so when nothing is missing, and nothing of a site reached through the hub', () => {
    const { container, rerender } = render(<CatchingUp link={up} />);
    expect(container.textContent).not.toBe('');
    expect(screen.queryByRole('progressbar')).toBeNull();
    rerender(<CatchingUp link={{ ...up, via: 'hub' }} />);
    expect(container.textContent).toBe('—');
  });
});
