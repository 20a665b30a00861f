import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeviceProblem } from '@/media/devices';
import { NAMESPACE as MEDIA } from '@/media/texts';
import type { OwnMediaControl } from '@/media/useOwnMedia';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';

function Problem({ device, problem }: { device: 'mic' | 'camera'; problem: DeviceProblem }) {
  const { t } = useTranslation(NAMESPACE);
  return <p>{t(`problem.${device}`, { problem: t(`problem.${problem}`) })}</p>;
}

function isProblem(state: OwnMediaControl['mic']): state is DeviceProblem {
  return state !== null && state !== 'works';
}

function SendingState({ own }: { own: OwnMediaControl }) {
  const { t } = useTranslation([NAMESPACE, MEDIA]);
  const { phase, reason } = own.session;
  if (own.opening) {
    return <p role="status">{t('opening')}</p>;
  }
  if (phase === 'idle') {
    return null;
  }
  return (
    <p role="status" data-sending={phase}>
      {reason === null
        ? t(`sending.${phase}`)
        : t('sendingWhy', {
            state: t(`sending.${phase}`),
            reason: t(`reason.${reason}`, { ns: MEDIA }),
          })}
    </p>
  );
}

/** The own picture as a mirror, and in words what reaches the others. */
export function OwnPreview({ own }: { own: OwnMediaControl }) {
  const { t } = useTranslation(NAMESPACE);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) {
      video.current.srcObject = own.preview;
      video.current.muted = true;
    }
  }, [own.preview]);
  const troubled = isProblem(own.mic) || isProblem(own.camera);
  return (
    <section className={css.own} aria-label={t('own')}>
      <div className={css.mirror}>
        <video ref={video} autoPlay playsInline muted hidden={own.preview === null} />
        {own.preview === null && !own.opening && (
          <span>{t(own.camera === 'works' ? 'ownOff' : 'ownNone')}</span>
        )}
      </div>
      <SendingState own={own} />
      {isProblem(own.mic) && <Problem device="mic" problem={own.mic} />}
      {isProblem(own.camera) && <Problem device="camera" problem={own.camera} />}
      {isProblem(own.mic) && isProblem(own.camera) && <p>{t('onlyListening')}</p>}
      {troubled && !own.opening && (
        <Button size="small" onClick={own.tryDevices}>
          {t('tryDevices')}
        </Button>
      )}
    </section>
  );
}
