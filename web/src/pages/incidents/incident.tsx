import { useParams } from '@tanstack/react-router';
import { incident } from '@/kinds';
import { WithRecord } from '@/records/WithRecord';
import { IncidentView } from './IncidentView';

export function IncidentPage() {
  const { id } = useParams({ from: '/signed-in/incidents/$id' });
  return (
    <WithRecord id={id} spec={incident} key={id}>
      {(record) => <IncidentView record={record} />}
    </WithRecord>
  );
}
