import { toMinute } from '@/time/format';
import { incidentClass } from './incident-fields';
import { incidentFrom } from './incident-from-log-item';
import type { FieldSpec, KindSpec } from './spec';

const category: FieldSpec = {
  name: 'category',
  input: 'choice',
  choices: [
    'call',
    'visit',
    'document',
    'event',
    'patrol',
    'equipment',
    'student_injury',
    'missing_person',
    'psychological',
    'fight',
    'fire',
    'theft',
    'epidemic',
    'power_water',
    'elevator',
    'public_opinion',
    'other',
  ],
};

export const logItem: KindSpec = {
  kind: 'log_item',
  list: '/log',
  page: '/log/$id',
  columns: ['times', 'number', 'category', 'summary', 'phase', 'author'],
  filters: ['q', 'site', 'category', 'day', 'open'],
  category,
  writers: ['officer', 'headquarters'],
  form: [
    { name: 'content', input: 'long', wide: true },
    { name: 'happened_at', input: 'time' },
    category,
    { name: 'caller', input: 'line', optional: true },
    { name: 'place', input: 'line', optional: true },
    { name: 'handling', input: 'long', optional: true, wide: true },
    { name: 'finished', input: 'flag' },
    { name: 'sensitive', input: 'flag' },
  ],
  quickFields: ['content', 'happened_at', 'category', 'caller', 'place', 'finished', 'sensitive'],
  quickTypes: [
    'student_injury',
    'missing_person',
    'psychological',
    'fight',
    'fire',
    'theft',
    'epidemic',
    'power_water',
    'elevator',
    'public_opinion',
  ],
  sections: [
    { id: 'main', fields: ['category', 'content', 'caller', 'place', 'sensitive'] },
    { id: 'handling', fields: ['handling'] },
  ],
  actions: {
    amend: {
      fields: [
        { name: 'type', input: 'choice', choices: ['correction', 'late_entry'] },
        { name: 'text', input: 'long', wide: true },
      ],
      initial: () => ({ type: 'correction' }),
    },
    open_incident: { fields: incidentClass, initial: incidentFrom, opens: true },
    finish: { fields: [{ name: 'handling', input: 'long', wide: true }] },
  },
  initial: (now) => ({ happened_at: toMinute(now), category: 'call' }),
  follow: (name, value) => {
    if (name !== 'category') return {};
    return value === 'psychological' ? { sensitive: true } : {};
  },
};
