import { expect, it } from 'vitest';
import { sizeText } from './size';

it('says sizes with two or three figures', () => {
  const sizes = [0, 999, 1000, 34_600, 999_499, 999_500, 3_440_000, 19_960_000_000];
  expect(sizes.map(sizeText)).toEqual([
    ...['0 B', '999 B', '1.0 kB', '35 kB', '999 kB', '1.0 MB', '3.4 MB', '20 GB'],
  ]);
});
