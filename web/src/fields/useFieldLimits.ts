import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { KindField } from '@/api/model';
import { kindsQuery } from '@/api/queries';

/** The server's field table of one kind, by field name; empty until it has been read. */
export function useFieldLimits(kind: string): Map<string, KindField> {
  const { data } = useQuery(kindsQuery);
  return useMemo(() => {
    const table = data?.kinds.find((one) => one.kind === kind);
    return new Map(table?.fields.map((field) => [field.name, field]));
  }, [data, kind]);
}

/** Whether records of this kind take attachments: the field is there once its rule set is active. */
export function useAttaches(kind: string): boolean {
  return useFieldLimits(kind).has('attachments');
}
