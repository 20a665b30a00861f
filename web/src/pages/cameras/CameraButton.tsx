import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { causeOf } from '@/media/cameraCause';
import { NAMESPACE as MEDIA } from '@/media/texts';
import { shortTime } from '@/time/format';
import { CameraChip } from './CameraChip';
import css from './cameras.module.css';
import { NAMESPACE } from './texts';

interface Props {
  camera: Camera;
  site: Site | undefined;
  shown: boolean;
  /** What pressing does: watch here, or pin for everyone in a consultation. */
  verb: 'watch' | 'pin';
  now: number;
  onToggle: (camera: Camera) => void;
}

/** One camera of the list; pressed while its picture is shown. */
export function CameraButton({ camera, site, shown, verb, now, onToggle }: Props) {
  const { t } = useTranslation([NAMESPACE, MEDIA]);
  const cause = causeOf(camera, site);
  const state = cause?.reason === 'site_unreachable' ? 'unreachable' : camera.state;
  return (
    <button
      type="button"
      className={`${css.camera} ${shown ? css.shown : ''}`}
      aria-pressed={shown}
      data-camera={camera.id}
      data-state={state}
      onClick={() => onToggle(camera)}
    >
      <span className={css.cameraLine}>
        <span className={css.cameraName}>
          <span className="visually-hidden">{t(verb)}</span>
          {camera.name}
        </span>
        <CameraChip state={state} />
      </span>
      <span className={css.cameraLine}>
        <span className={css.cameraPlace}>{camera.place}</span>
        {camera.viewers > 0 && <span>{t('viewers', { count: camera.viewers })}</span>}
      </span>
      {cause !== null && cause.reason !== 'site_unreachable' && (
        <span className={css.cameraReason}>
          {cause.since === null
            ? t(`reason.${cause.reason}`, { ns: MEDIA })
            : t('reasonSince', {
                reason: t(`reason.${cause.reason}`, { ns: MEDIA }),
                time: shortTime(cause.since, now),
              })}
        </span>
      )}
    </button>
  );
}
