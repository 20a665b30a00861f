import { useState } from 'react';
import { EntryDialog } from '@/entry/EntryDialog';
import { incident } from '@/kinds';
import { useHotkeys } from '@/shell/useHotkeys';
import { DeskEntry } from './DeskEntry';
import { DeskLog } from './DeskLog';
import styles from './desk.module.css';
import { KeyBar } from './KeyBar';
import { OpenIncidents } from './OpenIncidents';
import { SavedOffer } from './SavedOffer';
import { SitesPanel } from './SitesPanel';
import { TodoList } from './TodoList';
import { useDeskEntry } from './useDeskEntry';

/** The duty desk: what is open on the left, writing and the log in the middle, the rooms on the right. */
export function DeskPage() {
  const [emergency, setEmergency] = useState(false);
  const [saved, setSaved] = useState<string | null>(null);
  const desk = useDeskEntry((record) => setSaved(record.id));
  useHotkeys({
    f2: () => desk.begin('call'),
    f4: () => desk.begin(null),
    f8: () => desk.begin('visit'),
    f9: () => setEmergency(true),
  });
  return (
    <div className={styles.desk}>
      <h1 className="visually-hidden">{desk.heading}</h1>
      <TodoList />
      <div className={styles.middle}>
        <DeskEntry entry={desk.entry} />
        {saved ? <SavedOffer id={saved} onClose={() => setSaved(null)} /> : null}
        <DeskLog />
      </div>
      <div className={styles.right}>
        <OpenIncidents />
        <SitesPanel />
      </div>
      <KeyBar
        onKey={{
          f2: () => desk.begin('call'),
          f4: () => desk.begin(null),
          f8: () => desk.begin('visit'),
          f9: () => setEmergency(true),
        }}
      />
      <EntryDialog
        spec={incident}
        open={emergency}
        onClose={() => setEmergency(false)}
        onSaved={(record) => {
          setEmergency(false);
          setSaved(record.id);
        }}
      />
    </div>
  );
}
