import { newActionId } from '@/api/action-id';

/**
 * Says goodbye while the page goes away; `keepalive` lets the request outlive it. If it is lost all
 * the same, the site records the leaving after its own wait.
 */
export function leaveOnExit(consultation: string, participation: string): void {
  fetch(`/api/v1/records/${consultation}/actions/leave`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ fields: { participation }, action_id: newActionId() }),
    keepalive: true,
  }).catch(() => {});
}
