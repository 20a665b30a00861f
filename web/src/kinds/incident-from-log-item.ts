import type { DutyRecord, Fields } from '@/api/model';

const classes: Record<string, string> = {
  fire: 'fire',
  theft: 'theft',
  epidemic: 'epidemic',
  student_injury: 'accident',
  elevator: 'accident',
  power_water: 'accident',
  missing_person: 'social_security',
  psychological: 'social_security',
  fight: 'social_security',
  public_opinion: 'public_opinion',
};

const TITLE_LIMIT = 60;

/** An incident's first values out of the log item it comes from. */
export function incidentFrom(record: DutyRecord): Fields {
  const content = String(record.fields.content ?? record.summary);
  const firstSentence = content.split(/[。；;\n]/)[0] ?? '';
  return {
    title: Array.from(firstSentence.trim()).slice(0, TITLE_LIMIT).join(''),
    class: classes[record.category ?? ''] ?? 'other',
    place: record.fields.place,
    happened_at: record.happened_at,
  };
}
