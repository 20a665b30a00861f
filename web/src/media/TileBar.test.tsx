import { render, screen } from '@testing-library/react';
import { expect, it, describe as suite } from 'vitest';
import '@/i18n';
import { TileBar } from './TileBar';

suite('the foot of a tile', () => {
  it('calls a picture live only while frames come', () => {
    const foot = (age: number) => (
      <TileBar name="东门" place="东校区" age={age} full={false} onFullscreen={() => {}} />
    );
    const { rerender } = render(foot(1_100));
    expect(screen.getByText('实时')).toBeTruthy();
    rerender(foot(1_600));
    expect(screen.queryByText('实时')).toBeNull();
    expect(screen.getByText('1 秒前的画面')).toBeTruthy();
  });
});
