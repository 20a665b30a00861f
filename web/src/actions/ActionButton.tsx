import { Button, type ButtonProps, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DutyRecord, RecordAction } from '@/api/model';
import { useErrorText } from '@/i18n/useErrorText';
import { useReasonText } from '@/i18n/useReasonText';
import type { ActionSpec } from '@/kinds/spec';
import { ActionForm } from './ActionForm';
import styles from './actions.module.css';
import { useAct } from './useAct';

interface Props {
  record: DutyRecord;
  action: RecordAction;
  spec: ActionSpec;
  look?: Pick<ButtonProps, 'type' | 'size' | 'block'>;
  /** The reason of a blocked action is said elsewhere. */
  reasonElsewhere?: boolean;
  onDone: (result: DutyRecord) => void;
}

/** One action as the site offers it: pressed at once, by a form, or disabled with the reason said. */
export function ActionButton({
  record,
  action,
  spec,
  look,
  reasonElsewhere = false,
  onDone,
}: Props) {
  const { t } = useTranslation();
  const reasonText = useReasonText();
  const errorText = useErrorText();
  const [open, setOpen] = useState(false);
  const act = useAct(record.id, action.id, onDone);
  const name = t(`action.${action.id}`);
  const firstToFill = (spec.fields.find((f) => f.input === 'long') ?? spec.fields[0])?.name;
  const asks = spec.fields.length > 0;
  const reason = action.allowed ? null : reasonText(action.reason);
  return (
    <div className={styles.blocked}>
      <Button
        {...look}
        danger={spec.danger}
        disabled={!action.allowed}
        title={reason ?? undefined}
        loading={act.pending}
        onClick={() => (asks ? setOpen(true) : act.run({}))}
      >
        {name}
      </Button>
      {reason && !reasonElsewhere ? <span className="secondary">{reason}</span> : null}
      {act.error ? (
        <span className={styles.error} role="alert">
          {errorText(act.error)}
        </span>
      ) : null}
      <Modal
        open={open}
        title={`${name} · ${record.number}`}
        footer={null}
        width={640}
        mask={{ closable: false }}
        destroyOnHidden
        scrollLock={false}
        onCancel={() => setOpen(false)}
        afterOpenChange={(shown) =>
          shown && document.getElementById(`${action.id}-${record.id}-${firstToFill}`)?.focus()
        }
      >
        <ActionForm
          record={record}
          action={action}
          spec={spec}
          onDone={(result) => {
            setOpen(false);
            onDone(result);
          }}
        />
      </Modal>
    </div>
  );
}
