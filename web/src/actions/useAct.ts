import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { newActionId } from '@/api/action-id';
import { api } from '@/api/client';
import type { DutyRecord, Fields } from '@/api/model';
import { keys } from '@/api/queries';
import { applyFeed } from '@/feed/apply';

interface Try {
  fields: Fields;
  actionId: string;
}

/** Does one action on a record; the same words tried again carry the same idempotency key. */
export function useAct(record: string, action: string, onDone: (result: DutyRecord) => void) {
  const queries = useQueryClient();
  const last = useRef<Try | null>(null);
  const act = useMutation({
    mutationFn: ({ fields, actionId }: Try) => api.act(record, action, fields, actionId),
    onSuccess: (result) => {
      last.current = null;
      queries.setQueryData(keys.record(result.id), result);
      applyFeed(queries, [{ type: 'record', record: result }], Date.now());
      if (result.id !== record) void queries.invalidateQueries({ queryKey: keys.record(record) });
      onDone(result);
    },
  });
  const run = (fields: Fields) => {
    if (act.isPending) return;
    const same = last.current && JSON.stringify(last.current.fields) === JSON.stringify(fields);
    const attempt = same && last.current ? last.current : { fields, actionId: newActionId() };
    last.current = attempt;
    act.mutate(attempt);
  };
  return { run, pending: act.isPending, error: act.error, reset: act.reset };
}
