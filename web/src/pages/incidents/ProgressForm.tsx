import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { ActionForm } from '@/actions/ActionForm';
import type { DutyRecord } from '@/api/model';
import { useReasonText } from '@/i18n/useReasonText';
import { incident } from '@/kinds';
import styles from '@/records/record.module.css';

/** Standing form for the next line of the timeline; if the site does not allow it, it says why. */
export function ProgressForm({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const reasonText = useReasonText();
  const action = record.actions.find(({ id }) => id === 'add_progress');
  const spec = incident.actions.add_progress;
  if (!action || !spec) return null;
  return (
    <section className={styles.panel}>
      <h2>{t('incident.progress')}</h2>
      {action.allowed ? (
        <ActionForm
          record={record}
          action={action}
          spec={spec}
          onDone={() => void message.success(t('action.done'))}
        />
      ) : (
        <p className="secondary">{reasonText(action.reason)}</p>
      )}
    </section>
  );
}
