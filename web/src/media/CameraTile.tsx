import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { cutOff } from '@/sites/network';
import { shortTime } from '@/time/format';
import { causeOf, nudgeOf } from './cameraCause';
import { LiveVideo } from './LiveVideo';
import { NAMESPACE } from './texts';
import { useNow } from './useNow';

interface Props {
  camera: Camera;
  /** The campus of the camera; undefined while the list of campuses is not read. */
  site: Site | undefined;
  onClose?: () => void;
}

/** A watched camera: its picture, and the truth about it from the feed when there is none. */
export function CameraTile({ camera, site, onClose }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const now = useNow(60_000);
  const cause = causeOf(camera, site);
  const siteName = site?.name ?? '';
  const since = site?.link.since ?? null;
  const explained =
    since === null
      ? t('cutOffUnknown', { site: siteName })
      : t('cutOff', { site: siteName, time: shortTime(since, now) });
  return (
    <LiveVideo
      source={camera.id}
      kind="camera"
      name={camera.name}
      place={siteName}
      cause={cause}
      explain={cutOff(site) ? { site_unreachable: explained } : undefined}
      nudge={nudgeOf(camera, site)}
      onClose={onClose}
    />
  );
}
