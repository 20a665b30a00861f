import { useQuery } from '@tanstack/react-query';
import { App } from 'antd';
import { useState } from 'react';
import type { Consultation, DutyRecord, Fields } from '@/api/model';
import { camerasQuery, sitesQuery } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { SoundButton } from '@/media/SoundButton';
import { useOwnMedia } from '@/media/useOwnMedia';
import { CameraPicker } from './CameraPicker';
import css from './consultation.module.css';
import { OwnPreview } from './OwnPreview';
import { Participants } from './Participants';
import { RoomActions } from './RoomActions';
import { RoomHead } from './RoomHead';
import { RoomMain } from './RoomMain';
import { useRoom } from './useRoom';

interface Props {
  record: DutyRecord;
  consultation: Consultation;
}

/** The room: outside it a door, inside it the stage, and the list of people always. */
export function ConsultationRoom({ record, consultation }: Props) {
  const { message } = App.useApp();
  const errorText = useErrorText();
  const cameras = useQuery(camerasQuery).data?.cameras ?? [];
  const sites = useQuery(sitesQuery).data?.sites ?? [];
  const room = useRoom(record);
  const inside = room.membership.phase === 'inside' ? room.membership : null;
  const own = useOwnMedia(inside !== null && !inside.listener ? inside.participation : null);
  const [picking, setPicking] = useState(false);
  const closed = consultation.state === 'closed';
  const pinned = consultation.cameras.map((one) => one.camera);
  const act = (action: 'pin_camera' | 'unpin_camera' | 'close', fields: Fields) => {
    room.act(action, fields).catch((error: unknown) => message.error(errorText(error)));
  };
  const togglePin = (camera: string) =>
    act(pinned.includes(camera) ? 'unpin_camera' : 'pin_camera', { camera });
  return (
    <div className={css.page}>
      <div className={css.top}>
        <RoomHead record={record} />
        {!closed && (
          <RoomActions
            record={record}
            picking={picking}
            closing={room.busy === 'close'}
            onPick={() => setPicking((open) => !open)}
            onClose={() => act('close', {})}
          />
        )}
      </div>
      <SoundButton />
      <div className={css.body}>
        <RoomMain
          record={record}
          consultation={consultation}
          room={room}
          own={own}
          cameras={cameras}
          sites={sites}
          onUnpin={togglePin}
        />
        <aside className={css.side}>
          {picking && !closed && (
            <CameraPicker
              cameras={cameras}
              sites={sites}
              pinned={pinned}
              onToggle={(camera) => togglePin(camera.id)}
              onClose={() => setPicking(false)}
            />
          )}
          {inside !== null && !inside.listener && <OwnPreview own={own} />}
          <Participants
            participants={consultation.participants}
            sites={sites}
            closed={closed}
            mine={inside?.participation ?? null}
          />
        </aside>
      </div>
    </div>
  );
}
