import { useTranslation } from 'react-i18next';
import type { Participant, Site } from '@/api/model';
import { cutOff } from '@/sites/network';
import { LiveVideo } from './LiveVideo';
import css from './media.module.css';
import { NAMESPACE } from './texts';

interface Props {
  participant: Participant;
  site: Site | undefined;
}

/** Another person in the room: picture and voice, or in words what is missing. */
export function PersonTile({ participant, site }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const { participation, person, audio, video } = participant;
  const cut = site !== undefined && cutOff(site);
  return (
    <LiveVideo
      source={participation}
      kind="person"
      name={person.name}
      place={site?.name ?? ''}
      cause={cut ? { reason: 'site_unreachable', since: site.link.since } : null}
      explain={audio || video ? undefined : { not_found: t('listens') }}
      nudge={`${audio} ${video} ${cut}`}
      voiceOnly={
        <>
          <span className={css.voice}>{person.name}</span>
          <span>{t(video ? 'cameraOff' : 'noCamera')}</span>
        </>
      }
    />
  );
}
