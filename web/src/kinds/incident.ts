import { toMinute } from '@/time/format';
import { incidentCategory, incidentClass, incidentLevel } from './incident-fields';
import type { KindSpec } from './spec';

export const incident: KindSpec = {
  kind: 'incident',
  list: '/incidents',
  page: '/incidents/$id',
  columns: ['grade', 'number', 'times', 'title', 'state', 'author'],
  filters: ['q', 'site', 'category', 'day', 'open'],
  category: incidentCategory,
  writers: ['officer', 'leader', 'headquarters'],
  form: [...incidentClass, { name: 'known_at', input: 'time' }],
  quickFields: ['title', 'class', 'level', 'place', 'happened_at', 'known_at'],
  quickTypes: ['fire', 'theft', 'epidemic', 'accident', 'public_opinion'],
  sections: [
    { id: 'main', fields: ['class', 'place', 'happened_at', 'known_at'] },
    { id: 'origin', fields: ['source'] },
  ],
  actions: {
    add_progress: {
      fields: [
        { name: 'at', input: 'time' },
        { name: 'text', input: 'long', wide: true },
      ],
      initial: (_record, now) => ({ at: toMinute(now) }),
    },
    set_state: {
      fields: [
        {
          name: 'state',
          input: 'choice',
          choices: [
            'received',
            'verifying',
            'assessing',
            'handling',
            'handled',
            'final_report',
            'archived',
            'untrue',
            'merged',
            'not_reported',
          ],
        },
        { name: 'reason', input: 'line', optional: true },
      ],
    },
    set_level: {
      fields: [{ ...incidentLevel, optional: false }],
      initial: (record) => ({ level: record.level }),
    },
    open_consultation: { fields: [], opens: true },
  },
  initial: (now) => ({ happened_at: toMinute(now), known_at: toMinute(now) }),
};
