import type { FieldSpec } from './spec';

export const incidentCategory: FieldSpec = {
  name: 'class',
  input: 'choice',
  choices: [
    'fire',
    'theft',
    'epidemic',
    'accident',
    'natural_disaster',
    'public_health',
    'social_security',
    'network',
    'examination',
    'public_opinion',
    'other',
  ],
};

export const incidentLevel: FieldSpec = {
  name: 'level',
  input: 'choice',
  choices: ['I', 'II', 'III', 'IV', 'ungraded'],
  optional: true,
};

/** What 转紧急情况 asks for: the least that makes an incident. */
export const incidentClass: readonly FieldSpec[] = [
  { name: 'title', input: 'line', wide: true },
  incidentCategory,
  incidentLevel,
  { name: 'place', input: 'line', optional: true },
  { name: 'happened_at', input: 'time' },
];
