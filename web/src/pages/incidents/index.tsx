import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { EntryDialog } from '@/entry/EntryDialog';
import { incident } from '@/kinds';
import { RecordList } from '@/records/RecordList';
import { useHotkeys } from '@/shell/useHotkeys';

export function IncidentsPage() {
  const filters = useSearch({ from: '/signed-in/incidents' });
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  useHotkeys({ f9: () => setCreating(true) });
  return (
    <>
      <RecordList
        spec={incident}
        filters={filters}
        onFilters={(search) => void navigate({ to: '/incidents', search, replace: true })}
        onCreate={() => setCreating(true)}
      />
      <EntryDialog
        spec={incident}
        open={creating}
        onClose={() => setCreating(false)}
        onSaved={(record) => {
          setCreating(false);
          void navigate({ to: '/incidents/$id', params: { id: record.id } });
        }}
      />
    </>
  );
}
