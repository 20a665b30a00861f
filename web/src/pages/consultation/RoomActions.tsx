import { App } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera, DutyRecord, Site } from '@/api/model';
import { useErrorText } from '@/i18n/useErrorText';
import { ActionButton } from './ActionButton';
import { CameraPicker } from './CameraPicker';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';
import type { Room } from './useRoom';

interface Props {
  record: DutyRecord;
  room: Room;
  cameras: readonly Camera[];
  sites: readonly Site[];
}

/** What changes the room for everyone: pinned cameras, and its end. */
export function RoomActions({ record, room, cameras, sites }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const { message, modal } = App.useApp();
  const errorText = useErrorText();
  const [picking, setPicking] = useState(false);
  const pinned = record.consultation?.cameras.map((one) => one.camera) ?? [];
  const offer = (id: string) => record.actions.find((action) => action.id === id);
  const toggle = (camera: Camera) =>
    room
      .act(pinned.includes(camera.id) ? 'unpin_camera' : 'pin_camera', { camera: camera.id })
      .catch((error: unknown) => message.error(errorText(error)));
  const askToClose = () =>
    modal.confirm({
      title: t('closeAsk'),
      content: t('closeAskHint'),
      okText: t('closeYes'),
      cancelText: t('cancel'),
      onOk: () =>
        room.act('close', {}).catch((error: unknown) => {
          message.error(errorText(error));
        }),
    });
  return (
    <div className={css.actions}>
      <ActionButton
        action={offer('pin_camera')}
        text={t('pin')}
        loading={false}
        onClick={() => setPicking(true)}
      />
      <ActionButton
        action={offer('close')}
        text={t('close')}
        loading={room.busy === 'close'}
        onClick={askToClose}
      />
      {picking && (
        <CameraPicker
          cameras={cameras}
          sites={sites}
          pinned={pinned}
          onToggle={(camera) => void toggle(camera)}
          onClose={() => setPicking(false)}
        />
      )}
    </div>
  );
}
