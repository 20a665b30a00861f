import { useQuery } from '@tanstack/react-query';
import type { Session } from '@/api/model';
import { sessionQuery } from '@/api/queries';

/** The signed-in person; only for components under the signed-in route. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error('useSession outside the signed-in route');
  return data;
}
