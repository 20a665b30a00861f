import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { recordQuery } from '@/api/queries';
import { shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';

/** Who is in the open consultation, and the way in. */
export function OpenConsultation({ id }: { id: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const now = useNow(60_000);
  const consultation = useQuery(recordQuery(id)).data?.consultation;
  const here = consultation?.participants.filter(({ left_at }) => left_at === null) ?? [];
  // One person may be there with two devices.
  const present = [...new Map(here.map(({ person }) => [person.id, person.name])).values()];
  return (
    <>
      <Button
        type="primary"
        block
        onClick={() => void navigate({ to: '/consultations/$id', params: { id } })}
      >
        {t('incident.joinConsult')}
      </Button>
      {consultation ? (
        <p className="secondary figures">
          {t('incident.consultOpen', { n: present.length })} ·{' '}
          {t('incident.consultSince', { time: shortTime(consultation.opened_at, now) })}
        </p>
      ) : null}
      {present.length > 0 ? <p>{present.join(t('app.comma'))}</p> : null}
    </>
  );
}
