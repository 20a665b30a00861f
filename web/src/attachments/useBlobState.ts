import { useQuery } from '@tanstack/react-query';
import type { Attachment, BlobState } from '@/api/model';
import { blobStateQuery } from '@/api/queries';

/** How far an attachment is; looked at again and again until it is here. */
export function useBlobState({ blob, state }: Attachment): BlobState {
  const { data } = useQuery({
    ...blobStateQuery(blob),
    initialData: state,
    enabled: state.place !== 'here',
    refetchInterval: ({ state: { data: now } }) => {
      if (now?.place === 'here') return false;
      return now?.place === 'coming' ? 1_000 : 4_000;
    },
  });
  return data;
}
