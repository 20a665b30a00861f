import { useParams } from '@tanstack/react-router';
import { logItem } from '@/kinds';
import { RecordPage } from '@/records/RecordPage';
import { WithRecord } from '@/records/WithRecord';

export function LogItemPage() {
  const { id } = useParams({ from: '/signed-in/log/$id' });
  return (
    <WithRecord id={id} spec={logItem} key={id}>
      {(record) => <RecordPage record={record} spec={logItem} />}
    </WithRecord>
  );
}
