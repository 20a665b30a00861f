import { useTranslation } from 'react-i18next';
import type { Participant, Site } from '@/api/model';
import { CameraIcon, MicIcon } from '@/media/icons';
import { useNow } from '@/media/useNow';
import { shortTime } from '@/time/format';
import css from './consultation.module.css';
import { headCount, hereFirst } from './people';
import { NAMESPACE } from './texts';

interface Props {
  participants: readonly Participant[];
  sites: readonly Site[];
  /** Nobody is present in a closed room, whatever was last known of them. */
  closed: boolean;
  /** The own participation; null while outside. */
  mine: string | null;
}

/** Who came and went and when: the part of the room that stays in the record. */
export function Participants({ participants, sites, closed, mine }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const now = useNow(60_000);
  return (
    <section className={css.people} aria-label={t('people')}>
      <h2>
        {t('people')}{' '}
        {!closed && (
          <span className="secondary">{t('peopleHere', { count: headCount(participants) })}</span>
        )}
      </h2>
      {participants.length === 0 && <p className="secondary">{t('nobody')}</p>}
      <ul>
        {hereFirst(participants).map((one) => (
          <li key={one.participation} className={one.left_at === null ? '' : css.gone}>
            <span className={css.personLine}>
              <span>
                {one.person.name}
                {one.participation === mine && t('you')}
              </span>
              {one.left_at === null && !closed && one.audio && <MicIcon />}
              {one.left_at === null && !closed && one.video && <CameraIcon />}
            </span>
            <span className="secondary figures">
              {sites.find((site) => site.id === one.site)?.name}{' '}
              {one.left_at === null
                ? t('joinedAt', { time: shortTime(one.joined_at, now) })
                : t('stayed', {
                    joined: shortTime(one.joined_at, now),
                    left: shortTime(one.left_at, now),
                  })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
