import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useEntry } from '@/entry/useEntry';
import { logItem } from '@/kinds';

export const ENTRY_PREFIX = 'desk';

const focusContent = () => document.getElementById(`${ENTRY_PREFIX}-content`)?.focus();

/** The desk's standing form, and how the F keys begin in it. */
export function useDeskEntry(onSaved: (record: DutyRecord) => void) {
  const { t } = useTranslation();
  const entry = useEntry(logItem, (record) => {
    onSaved(record);
    focusContent();
  });
  /** Never changes what another call already began: that stays as a draft of its own. */
  const begin = (category: string | null) => {
    if (category !== null && entry.current.fields.category !== category) entry.add({ category });
    focusContent();
  };
  return { entry, begin, heading: t('nav.desk') };
}
