import { useParams } from '@tanstack/react-router';
import { WithRecord } from '@/records/WithRecord';
import { IncidentView } from './IncidentView';

export function IncidentPage() {
  const { id } = useParams({ from: '/signed-in/incidents/$id' });
  return (
    <WithRecord id={id} list="/incidents" key={id}>
      {(record) => <IncidentView record={record} />}
    </WithRecord>
  );
}
