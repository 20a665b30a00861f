import { Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { ActionButton } from './ActionButton';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';

interface Props {
  record: DutyRecord;
  picking: boolean;
  closing: boolean;
  onPick: () => void;
  onClose: () => void;
}

/** What changes the room for everyone: pinned cameras, and its end. */
export function RoomActions({ record, picking, closing, onPick, onClose }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const offer = (id: string) => record.actions.find((action) => action.id === id);
  const close = offer('close');
  return (
    <div className={css.actions}>
      <ActionButton action={offer('pin_camera')} aria-expanded={picking} onClick={onPick}>
        {t('pin')}
      </ActionButton>
      <Popconfirm
        title={t('closeAsk')}
        description={t('closeAskHint')}
        okText={t('closeYes')}
        cancelText={t('cancel')}
        placement="bottomRight"
        disabled={!close?.allowed}
        onConfirm={onClose}
      >
        <ActionButton action={close} loading={closing}>
          {t('close')}
        </ActionButton>
      </Popconfirm>
    </div>
  );
}
