import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import type { KindSpec } from '@/kinds/spec';
import { DraftTabs } from './DraftTabs';
import { EntryForm } from './EntryForm';
import { NotWriter } from './NotWriter';
import { useEntry } from './useEntry';
import { useMayWrite } from './useMayWrite';

interface Props {
  spec: KindSpec;
  open: boolean;
  onClose: () => void;
  onSaved: (record: DutyRecord) => void;
}

/** A new record of a kind the page has no standing form for; closing keeps the draft. */
export function EntryDialog({ spec, open, onClose, onSaved }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      open={open}
      title={t(`kind.${spec.kind}.create`)}
      footer={null}
      width={720}
      mask={{ closable: false }}
      destroyOnHidden
      scrollLock={false}
      onCancel={onClose}
      afterOpenChange={(shown) =>
        shown && document.getElementById(`new-${spec.kind}-${spec.form[0]?.name}`)?.focus()
      }
    >
      <DialogBody spec={spec} onSaved={onSaved} />
    </Modal>
  );
}

function DialogBody({ spec, onSaved }: Pick<Props, 'spec' | 'onSaved'>) {
  const entry = useEntry(spec, onSaved);
  if (!useMayWrite(spec)) return <NotWriter />;
  return (
    <>
      <DraftTabs entry={entry} />
      <EntryForm spec={spec} entry={entry} prefix={`new-${spec.kind}`} />
    </>
  );
}
