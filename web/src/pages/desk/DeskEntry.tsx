import { useTranslation } from 'react-i18next';
import { DraftTabs } from '@/entry/DraftTabs';
import { EntryForm } from '@/entry/EntryForm';
import { NotWriter } from '@/entry/NotWriter';
import type { Entry } from '@/entry/useEntry';
import { useMayWrite } from '@/entry/useMayWrite';
import { logItem } from '@/kinds';
import styles from './desk.module.css';
import { ENTRY_PREFIX } from './useDeskEntry';

export function DeskEntry({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const mayWrite = useMayWrite(logItem);
  return (
    <section className={styles.panel} aria-label={t('kind.log_item.create')}>
      <div className={styles.bar}>
        <h2>{t('kind.log_item.create')}</h2>
        {mayWrite ? <DraftTabs entry={entry} /> : <NotWriter />}
      </div>
      {mayWrite ? (
        <div className={styles.entry}>
          <EntryForm spec={logItem} entry={entry} prefix={ENTRY_PREFIX} className={styles.fields} />
        </div>
      ) : null}
    </section>
  );
}
