import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ActionButton } from '@/actions/ActionButton';
import type { DutyRecord } from '@/api/model';
import { incident } from '@/kinds';
import { RecordLink } from '@/records/RecordLink';
import styles from '@/records/record.module.css';
import { OpenConsultation } from './OpenConsultation';

/** The incident's consultation: one press opens it, or leads into the one that is open. */
export function ConsultationPanel({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const linked = record.links.filter(({ kind }) => kind === 'consultation');
  const open = linked.find(({ state }) => state === 'open');
  const past = linked.filter((one) => one !== open);
  const action = record.actions.find(({ id }) => id === 'open_consultation');
  const spec = incident.actions.open_consultation;
  return (
    <section className={`${styles.panel} ${styles.urgent}`}>
      <h2>{t('kind.consultation.name')}</h2>
      {open ? <OpenConsultation id={open.id} /> : null}
      {!open && action && spec ? (
        <>
          <ActionButton
            record={record}
            action={action}
            spec={spec}
            look={{ type: 'primary', block: true }}
            onDone={({ id }) => void navigate({ to: '/consultations/$id', params: { id } })}
          />
          {action.allowed ? <p className="secondary">{t('incident.consultHint')}</p> : null}
        </>
      ) : null}
      {past.map((one) => (
        <p key={one.id}>
          <RecordLink kind={one.kind} id={one.id}>
            {t('incident.pastConsult')} {one.number || one.title}
          </RecordLink>
        </p>
      ))}
    </section>
  );
}
