import { useNavigate } from '@tanstack/react-router';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useReasonText } from '@/i18n/useReasonText';
import { pageOf } from '@/kinds';
import type { KindSpec } from '@/kinds/spec';
import { ActionButton } from './ActionButton';
import styles from './actions.module.css';

interface Props {
  record: DutyRecord;
  spec: KindSpec;
  /** Actions drawn elsewhere on the page. */
  except?: readonly string[];
}

/** What the site offers to do with a record; a reason that blocks several actions is said once. */
export function ActionBar({ record, spec, except = [] }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const reasonText = useReasonText();
  const navigate = useNavigate();
  const done = (result: DutyRecord) => {
    void message.success(t('action.done'));
    const page = pageOf(result.kind);
    if (result.id !== record.id && page) void navigate({ to: page, params: { id: result.id } });
  };
  const offered = record.actions.filter(({ id }) => spec.actions[id] && !except.includes(id));
  const blocked = new Map<string, string[]>();
  for (const { id, allowed, reason } of offered) {
    if (allowed) continue;
    const words = reasonText(reason);
    blocked.set(words, [...(blocked.get(words) ?? []), t(`action.${id}`)]);
  }
  return (
    <>
      <div className={styles.bar}>
        {offered.map((action) => {
          const actionSpec = spec.actions[action.id];
          return actionSpec ? (
            <ActionButton
              key={action.id}
              record={record}
              action={action}
              spec={actionSpec}
              reasonElsewhere
              onDone={done}
            />
          ) : null;
        })}
      </div>
      {[...blocked].map(([reason, names]) => (
        <p key={reason} className={`secondary ${styles.reason}`}>
          {t('action.blocked', { action: names.join(t('app.comma')), reason })}
        </p>
      ))}
    </>
  );
}
