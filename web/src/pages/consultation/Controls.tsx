import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { CameraIcon, MicIcon } from '@/media/icons';
import type { OwnMediaControl } from '@/media/useOwnMedia';
import css from './consultation.module.css';
import { DeviceButton } from './DeviceButton';
import { NAMESPACE } from './texts';
import { useShortcuts } from './useShortcuts';

interface Props {
  own: OwnMediaControl;
  listener: boolean;
  onSpeakUp: () => void;
  onLeave: () => void;
}

function SwitchButtons({ own }: { own: OwnMediaControl }) {
  const { t } = useTranslation(NAMESPACE);
  useShortcuts(true, own.toggleMic, own.toggleCamera);
  const mic = own.mic === 'works' ? (own.micOn ? 'micOn' : 'micOff') : 'micMissing';
  const camera =
    own.camera === 'works' ? (own.cameraOn ? 'cameraOn' : 'cameraOff') : 'cameraMissing';
  return (
    <>
      <DeviceButton
        on={own.micOn}
        label={t(own.micOn ? 'micTurnOff' : 'micTurnOn')}
        text={t(mic)}
        icon={<MicIcon off={!own.micOn} />}
        shortcut="Alt+M"
        disabled={own.opening}
        onClick={own.toggleMic}
      />
      <DeviceButton
        on={own.cameraOn}
        label={t(own.cameraOn ? 'cameraTurnOff' : 'cameraTurnOn')}
        text={t(camera)}
        icon={<CameraIcon off={!own.cameraOn} />}
        shortcut="Alt+V"
        disabled={own.opening}
        onClick={own.toggleCamera}
      />
    </>
  );
}

/** What a person does with themselves in the room; always in sight. */
export function Controls({ own, listener, onSpeakUp, onLeave }: Props) {
  const { t } = useTranslation(NAMESPACE);
  return (
    <div className={css.controls} role="toolbar" aria-label={t('controls')}>
      {listener ? (
        <>
          <span>{t('listening')}</span>
          <Button size="large" onClick={onSpeakUp}>
            {t('speakUp')}
          </Button>
        </>
      ) : (
        <SwitchButtons own={own} />
      )}
      <Button size="large" className={css.leave} onClick={onLeave}>
        {t('leave')}
      </Button>
    </div>
  );
}
