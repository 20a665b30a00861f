import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { EntryDialog } from '@/entry/EntryDialog';
import { logItem } from '@/kinds';
import { RecordList } from '@/records/RecordList';
import { useHotkeys } from '@/shell/useHotkeys';

export function LogPage() {
  const filters = useSearch({ from: '/signed-in/log' });
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  useHotkeys({ f4: () => setCreating(true) });
  return (
    <>
      <RecordList
        spec={logItem}
        filters={filters}
        onFilters={(search) => void navigate({ to: '/log', search, replace: true })}
        onCreate={() => setCreating(true)}
      />
      <EntryDialog
        spec={logItem}
        open={creating}
        onClose={() => setCreating(false)}
        onSaved={(record) => {
          setCreating(false);
          void navigate({ to: '/log/$id', params: { id: record.id } });
        }}
      />
    </>
  );
}
