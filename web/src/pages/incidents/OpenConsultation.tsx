import { useNavigate } from '@tanstack/react-router';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { shortTime } from '@/time/format';
import { useNow } from '@/time/useNow';

export function OpenConsultation({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const now = useNow(60_000);
  const { consultation } = record;
  if (!consultation) return null;
  const present = consultation.participants.filter(({ left_at }) => left_at === null);
  return (
    <>
      <Button
        type="primary"
        block
        onClick={() => void navigate({ to: '/consultations/$id', params: { id: record.id } })}
      >
        {t('incident.joinConsult')}
      </Button>
      <p className="secondary figures">
        {t('incident.consultOpen', { n: present.length })} ·{' '}
        {t('incident.consultSince', { time: shortTime(consultation.opened_at, now) })}
      </p>
      {present.length > 0 ? <p>{present.map(({ person }) => person.name).join('、')}</p> : null}
    </>
  );
}
