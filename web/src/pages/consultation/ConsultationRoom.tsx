import { useQuery } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Consultation, DutyRecord } from '@/api/model';
import { camerasQuery, sitesQuery } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import { SoundButton } from '@/media/SoundButton';
import { useOwnMedia } from '@/media/useOwnMedia';
import { useSession } from '@/shell/session';
import { Controls } from './Controls';
import css from './consultation.module.css';
import { JoinPanel } from './JoinPanel';
import { OwnPreview } from './OwnPreview';
import { Participants } from './Participants';
import { RoomActions } from './RoomActions';
import { RoomHead } from './RoomHead';
import { Stage } from './Stage';
import { NAMESPACE } from './texts';
import { useRoom } from './useRoom';

interface Props {
  record: DutyRecord;
  consultation: Consultation;
}

/** The room: outside it a door, inside it the stage, and the list of people always. */
export function ConsultationRoom({ record, consultation }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const { user } = useSession();
  const { message } = App.useApp();
  const errorText = useErrorText();
  const cameras = useQuery(camerasQuery).data?.cameras ?? [];
  const sites = useQuery(sitesQuery).data?.sites ?? [];
  const room = useRoom(record);
  const inside = room.membership.phase === 'inside' ? room.membership : null;
  const own = useOwnMedia(inside !== null && !inside.listener ? inside.participation : null);
  const closed = consultation.state === 'closed';
  const unpin = (camera: string) =>
    room.act('unpin_camera', { camera }).catch((error: unknown) => message.error(errorText(error)));
  return (
    <div className={css.page}>
      <div className={css.top}>
        <RoomHead record={record} />
        {!closed && <RoomActions record={record} room={room} cameras={cameras} sites={sites} />}
      </div>
      <SoundButton />
      <div className={css.body}>
        <div className={css.main}>
          {inside !== null && (
            <Stage
              consultation={consultation}
              me={user.id}
              cameras={cameras}
              sites={sites}
              onUnpin={(camera) => void unpin(camera)}
            />
          )}
          {inside === null && closed && <p className={css.join}>{t('closedHint')}</p>}
          {inside === null && !closed && (
            <JoinPanel
              membership={room.membership}
              action={record.actions.find((action) => action.id === 'join')}
              onJoin={room.join}
            />
          )}
          {inside !== null && (
            <Controls
              own={own}
              listener={inside.listener}
              onSpeakUp={room.speakUp}
              onLeave={room.leave}
            />
          )}
        </div>
        <aside className={css.side}>
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
