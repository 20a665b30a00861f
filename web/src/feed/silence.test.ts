import { describe, expect, it } from 'vitest';
import { brokenFor } from './silence';

const feed = (lastAt: number | null, closedSince: number | null) => ({
  lastAt,
  closedSince,
  via: null,
});

describe('the broken-feed band', () => {
  it('is away while messages come', () => {
    expect(brokenFor(feed(100_000, null), 0, 119_000)).toBeNull();
  });

  it('counts from the last message once it has been silent for over 20 s', () => {
    expect(brokenFor(feed(100_000, null), 0, 121_000)).toBe(21);
  });

  it('shows at once when the connection is closed', () => {
    expect(brokenFor(feed(100_000, 103_000), 0, 104_500)).toBe(4);
  });

  it('counts from the page’s start when nothing ever came', () => {
    expect(brokenFor(feed(null, 5_000), 1_000, 9_000)).toBe(8);
    expect(brokenFor(feed(null, null), 1_000, 9_000)).toBeNull();
  });
});
