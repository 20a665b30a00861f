import { useTranslation } from 'react-i18next';
import type { Camera, Consultation, DutyRecord, Site } from '@/api/model';
import type { OwnMediaControl } from '@/media/useOwnMedia';
import { useSession } from '@/shell/session';
import { Controls } from './Controls';
import css from './consultation.module.css';
import { JoinPanel } from './JoinPanel';
import { Stage } from './Stage';
import { NAMESPACE } from './texts';
import type { Room } from './useRoom';

interface Props {
  record: DutyRecord;
  consultation: Consultation;
  room: Room;
  own: OwnMediaControl;
  cameras: readonly Camera[];
  sites: readonly Site[];
  onUnpin: (camera: string) => void;
}

/** The large part of the page: the door, the stage, or the word that it is over. */
export function RoomMain({ record, consultation, room, own, cameras, sites, onUnpin }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const { user } = useSession();
  const { membership } = room;
  if (membership.phase === 'inside') {
    return (
      <div className={css.main}>
        <Stage
          consultation={consultation}
          me={user.id}
          cameras={cameras}
          sites={sites}
          onUnpin={onUnpin}
        />
        <Controls
          own={own}
          listener={membership.listener}
          onSpeakUp={room.speakUp}
          onLeave={room.leave}
        />
      </div>
    );
  }
  return (
    <div className={css.main}>
      {consultation.state === 'closed' ? (
        <p className={css.join}>{t('closedHint')}</p>
      ) : (
        <JoinPanel
          membership={membership}
          action={record.actions.find((action) => action.id === 'join')}
          onJoin={room.join}
        />
      )}
    </div>
  );
}
