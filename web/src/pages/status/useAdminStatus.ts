import { useQuery } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { AdminStatus } from '@/api/model';
import { keys } from '@/api/queries';

const EVERY_MS = 15_000;
const BUSY_EVERY_MS = 1_000;

const isChecking = ({ scrub }: AdminStatus) => scrub.asked || scrub.checking != null;

/** What the site tells its administrator, read again and again while somebody looks. */
export function useAdminStatus() {
  return useQuery({
    queryKey: keys.adminStatus,
    queryFn: ({ signal }) => api.adminStatus(signal),
    refetchInterval: ({ state: { data: now } }) =>
      now && isChecking(now) ? BUSY_EVERY_MS : EVERY_MS,
  });
}

/** Whether this hub was restored and may decide nothing yet; only for administrators. */
export function useUnconfirmed(): boolean {
  return useAdminStatus().data?.unconfirmed ?? false;
}
