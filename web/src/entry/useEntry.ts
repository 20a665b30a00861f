import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { newActionId } from '@/api/action-id';
import { api } from '@/api/client';
import { asApiError, type FieldError } from '@/api/errors';
import type { DutyRecord } from '@/api/model';
import { keys } from '@/api/queries';
import { useUploads } from '@/attachments/useUploads';
import { type Draft, forSending } from '@/drafts/store';
import { useDrafts } from '@/drafts/useDrafts';
import { applyFeed } from '@/feed/apply';
import { filled, localErrors } from '@/fields/local-errors';
import type { KindSpec } from '@/kinds/spec';

interface Faults {
  draft: string;
  fields: FieldError[];
}

const NO_FAULTS: FieldError[] = [];

/** Writing new records of one kind: drafts, saving, and the site's objections. */
export function useEntry(spec: KindSpec, onSaved: (record: DutyRecord) => void) {
  const queries = useQueryClient();
  const drafts = useDrafts(spec);
  const uploads = useUploads(drafts.current.id);
  const [faults, setFaults] = useState<Faults | null>(null);
  const create = useMutation({
    mutationFn: (draft: Draft) =>
      api.create(draft.kind, filled(draft.fields), draft.actionId, draft.attachments),
    onSuccess: (record, draft) => {
      // What came through while the words were on their way is put to the record now.
      const sent = draft.attachments ?? [];
      const late = (drafts.latest(draft.id)?.attachments ?? []).filter((f) => !sent.includes(f));
      uploads.queue.retarget(draft.id, record.id);
      uploads.queue.adopt(record.id, late);
      drafts.drop(draft.id);
      queries.setQueryData(keys.record(record.id), record);
      applyFeed(queries, [{ type: 'record', record }], Date.now());
      onSaved(record);
    },
    onError: (error, draft) => setFaults({ draft: draft.id, fields: asApiError(error).fields }),
  });
  const save = () => {
    if (create.isPending) return;
    const { current } = drafts;
    const fields = localErrors(spec.form, current.fields);
    setFaults(fields.length > 0 ? { draft: current.id, fields } : null);
    create.reset();
    if (fields.length > 0) return;
    const draft = forSending(current, newActionId);
    drafts.put(draft);
    create.mutate(draft);
  };
  const current = drafts.current;
  const attach = (files: readonly File[]) => {
    drafts.begin(current);
    uploads.add(files);
  };
  const detach = (blob: string) => {
    const attachments = current.attachments?.filter((file) => file.blob !== blob);
    drafts.put({ ...current, attachments });
  };
  const drop = (id: string) => {
    uploads.queue.drop(id);
    drafts.drop(id);
  };
  return {
    ...drafts,
    drop,
    uploads,
    attach,
    detach,
    save,
    saving: create.isPending,
    error: create.variables?.id === current.id ? create.error : null,
    errors: faults?.draft === current.id ? faults.fields : NO_FAULTS,
  };
}

export type Entry = ReturnType<typeof useEntry>;
