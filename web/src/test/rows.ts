import type { RecordRow } from '@/api/model';

let made = 0;

/** A log item for tests; what does not matter is filled in. */
export function row(part: Partial<RecordRow> = {}): RecordRow {
  made += 1;
  return {
    id: `id-${String(made).padStart(4, '0')}`,
    kind: 'log_item',
    number: `E2026-${made}`,
    site: 'east',
    happened_at: made * 60_000,
    recorded_at: made * 60_000,
    author: { id: 'a', name: '王建国' },
    title: '',
    summary: '巡查无异常',
    state: null,
    phase: 'todo',
    category: 'patrol',
    level: null,
    sensitive: false,
    amended: 'none',
    incident: null,
    acked: true,
    disputed: false,
    rev: 1,
    attached: 0,
    provisional: false,
    ...part,
  };
}
