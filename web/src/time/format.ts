// Duty rooms keep Beijing time whatever the PC's zone says; China has had no summer time since 1991.
const OFFSET_MS = 8 * 3_600_000;
export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

const two = (n: number) => String(n).padStart(2, '0');
const beijing = (ms: number) => new Date(ms + OFFSET_MS);

/** `2026-11-22`, the Beijing day of an instant. */
export function dayOf(ms: number): string {
  const d = beijing(ms);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
}

/** `03:12`. */
export function clock(ms: number): string {
  const d = beijing(ms);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

/** `03:12:45`. */
export function clockSeconds(ms: number): string {
  return `${clock(ms)}:${two(beijing(ms).getUTCSeconds())}`;
}

/** `2026-11-22 03:12`. */
export function dateTime(ms: number): string {
  return `${dayOf(ms)} ${clock(ms)}`;
}

/** `2026-11-22 03:12:45`. */
export function dateTimeSeconds(ms: number): string {
  return `${dayOf(ms)} ${clockSeconds(ms)}`;
}

/** The clock alone for today, the month and day before it for other days of this year. */
export function shortTime(ms: number, now: number): string {
  if (dayOf(ms) === dayOf(now)) return clock(ms);
  const full = dateTime(ms);
  return full.slice(0, 4) === dayOf(now).slice(0, 4) ? full.slice(5) : full;
}

/** Milliseconds cut down to the whole minute: the precision of 发生时间. */
export const toMinute = (ms: number) => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

/** Reads `2026-11-22 03:12`, `11-22 03:12`, `03:12`, `0312`; the day missing is the day of `now`. */
export function parseTime(text: string, now: number): number | null {
  const s = text
    .trim()
    .replace(/[：]/g, ':')
    .replace(/[/.年月]/g, '-')
    .replace(/日/g, ' ');
  const m = /^(?:(?:(\d{4})-)?(\d{1,2})-(\d{1,2})[\sT]+)?(\d{1,2}):?(\d{2})$/.exec(s);
  if (!m) return null;
  const today = dayOf(now).split('-').map(Number) as [number, number, number];
  const [year, month, day] = [
    Number(m[1] ?? today[0]),
    Number(m[2] ?? today[1]),
    Number(m[3] ?? today[2]),
  ];
  const [hour, minute] = [Number(m[4]), Number(m[5])];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59) return null;
  const utc = Date.UTC(year, month - 1, day, hour, minute);
  return new Date(utc).getUTCDate() === day ? utc - OFFSET_MS : null;
}

export interface Elapsed {
  days: number;
  hours: number;
  minutes: number;
}

/** Whole days, hours and minutes from one instant to another; never negative. */
export function elapsed(from: number, to: number): Elapsed {
  const total = Math.max(0, Math.floor((to - from) / MINUTE_MS));
  return {
    days: Math.floor(total / 1440),
    hours: Math.floor((total % 1440) / 60),
    minutes: total % 60,
  };
}
