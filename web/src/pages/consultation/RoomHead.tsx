import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import media from '@/media/media.module.css';
import { useNow } from '@/media/useNow';
import { shortTime } from '@/time/format';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';

/** Whose consultation this is: number, title, state, and the incident it belongs to. */
export function RoomHead({ record }: { record: DutyRecord }) {
  const { t } = useTranslation(NAMESPACE);
  const now = useNow(60_000);
  const closed = record.consultation?.state === 'closed';
  const incident = record.links.find((link) => link.kind === 'incident');
  const incidentId = incident?.id ?? record.incident;
  return (
    <header className={css.head}>
      <h1>{record.title === '' ? t('untitled') : record.title}</h1>
      <span className={media.chip}>
        <span className={media.glyph} aria-hidden="true">
          {closed ? '■' : '●'}
        </span>
        {t(closed ? 'closed' : 'open')}
      </span>
      <span className="secondary figures">
        {record.number}
        {record.consultation !== null &&
          ` · ${t('openedAt', { time: shortTime(record.consultation.opened_at, now) })}`}
      </span>
      {incidentId !== null && (
        <Link to="/incidents/$id" params={{ id: incidentId }} className={css.incident}>
          {t('incident', { title: incident ? `${incident.number} ${incident.title}` : '' })}
        </Link>
      )}
    </header>
  );
}
