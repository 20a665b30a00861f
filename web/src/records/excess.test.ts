import { expect, it } from 'vitest';
import { excessOf } from './excess';

const limits = new Map([
  ['handling', { max_len: 20 }],
  ['happened_at', { max_len: null }],
]);

it('tells a text that merging has made longer than its limit, counted in characters', () => {
  const handling = '𠮷'.repeat(21);
  expect(excessOf({ fields: { handling, happened_at: 1e12, place: 'x' } }, limits)).toEqual([
    { field: 'handling', length: 21, limit: 20 },
  ]);
});

it('tells nothing of texts at their limit', () => {
  expect(excessOf({ fields: { handling: '𠮷'.repeat(20) } }, limits)).toEqual([]);
});
