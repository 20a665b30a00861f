import type { KindSpec } from '@/kinds/spec';
import { useSession } from '@/shell/session';

/** Whether the signed-in person's role writes records of this kind. */
export function useMayWrite(spec: KindSpec): boolean {
  return spec.writers.includes(useSession().user.role);
}
