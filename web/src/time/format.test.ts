import { describe, expect, it } from 'vitest';
import { clock, dateTime, dayOf, elapsed, parseTime, shortTime, toMinute } from './format';

const NOON = Date.UTC(2026, 10, 22, 4, 0, 30); // 2026-11-22 12:00:30 in Beijing

describe('Beijing time', () => {
  it('is shown whatever zone the PC keeps', () => {
    expect(dateTime(NOON)).toBe('2026-11-22 12:00');
    expect(clock(Date.UTC(2026, 10, 21, 16, 5))).toBe('00:05');
    expect(dayOf(Date.UTC(2026, 10, 21, 16, 5))).toBe('2026-11-22');
  });

  it('is cut to the minute for 发生时间', () => {
    expect(toMinute(NOON)).toBe(NOON - 30_000);
  });

  it('shows only what differs from now', () => {
    expect(shortTime(NOON - 3_600_000, NOON)).toBe('11:00');
    expect(shortTime(NOON - 86_400_000, NOON)).toBe('11-21 12:00');
    expect(shortTime(Date.UTC(2025, 11, 31, 16, 0), NOON)).toBe('2026-01-01 00:00'.slice(5));
    expect(shortTime(Date.UTC(2025, 11, 30, 16, 0), NOON)).toBe('2025-12-31 00:00');
  });
});

describe('a time as typed', () => {
  it.each([
    ['2026-11-22 03:12', '2026-11-22 03:12'],
    ['11-22 03:12', '2026-11-22 03:12'],
    ['11月21日 3:12', '2026-11-21 03:12'],
    ['2026/11/2 23:59', '2026-11-02 23:59'],
    ['03:12', '2026-11-22 03:12'],
    ['0312', '2026-11-22 03:12'],
    ['3：12', '2026-11-22 03:12'],
  ])('%s is read', (typed, meant) => {
    expect(dateTime(parseTime(typed, NOON) ?? 0)).toBe(meant);
  });

  it.each(['', 'abc', '24:00', '12:60', '2-30 10:00', '13-01 10:00'])('%s is refused', (typed) => {
    expect(parseTime(typed, NOON)).toBeNull();
  });
});

describe('time gone by', () => {
  it('counts whole minutes and never goes below none', () => {
    expect(elapsed(NOON, NOON + 95 * 60_000 + 59_000)).toEqual({ days: 0, hours: 1, minutes: 35 });
    expect(elapsed(NOON, NOON + 49 * 3_600_000)).toEqual({ days: 2, hours: 1, minutes: 0 });
    expect(elapsed(NOON, NOON - 1)).toEqual({ days: 0, hours: 0, minutes: 0 });
  });
});
