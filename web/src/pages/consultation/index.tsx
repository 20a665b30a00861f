import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { recordQuery } from '@/api/queries';
import { SoundProvider } from '@/media/sound';
import { Crash } from '@/shell/Crash';
import { PageLoading } from '@/shell/PageLoading';
import { ConsultationRoom } from './ConsultationRoom';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';

/** Who is in the room must be true even if the feed is late. */
const REFRESH_MS = 15_000;

export function ConsultationPage() {
  const { t } = useTranslation(NAMESPACE);
  const { id } = useParams({ from: '/signed-in/consultations/$id' });
  const { data: record, error } = useQuery({ ...recordQuery(id), refetchInterval: REFRESH_MS });
  if (record === undefined) {
    return error === null ? <PageLoading /> : <Crash error={error} />;
  }
  if (record.consultation === null) {
    return <p className={css.join}>{t('notConsultation')}</p>;
  }
  return (
    <SoundProvider>
      <ConsultationRoom key={id} record={record} consultation={record.consultation} />
    </SoundProvider>
  );
}
