import { useNavigate } from '@tanstack/react-router';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
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

export function ActionBar({ record, spec, except = [] }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const done = (result: DutyRecord) => {
    void message.success(t('action.done'));
    const page = pageOf(result.kind);
    if (result.id !== record.id && page) void navigate({ to: page, params: { id: result.id } });
  };
  return (
    <div className={styles.bar}>
      {record.actions.map((action) => {
        const actionSpec = spec.actions[action.id];
        if (!actionSpec || except.includes(action.id)) return null;
        return (
          <ActionButton
            key={action.id}
            record={record}
            action={action}
            spec={actionSpec}
            onDone={done}
          />
        );
      })}
    </div>
  );
}
