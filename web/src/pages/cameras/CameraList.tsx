import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { useNow } from '@/media/useNow';
import { cutOff } from '@/sites/network';
import { shortTime } from '@/time/format';
import { CameraButton } from './CameraButton';
import css from './cameras.module.css';
import { groupBySite } from './groups';
import { NAMESPACE } from './texts';

interface Props {
  cameras: readonly Camera[];
  sites: readonly Site[];
  isShown: (camera: Camera) => boolean;
  verb: 'watch' | 'pin';
  onToggle: (camera: Camera) => void;
}

function CutOff({ site, now }: { site: Site; now: number }) {
  const { t } = useTranslation(NAMESPACE);
  const { since } = site.link;
  return (
    <p className={css.cutOff}>
      <strong>
        {since === null ? t('cutOffUnknown') : t('cutOff', { time: shortTime(since, now) })}
      </strong>
      <br />
      {t('cutOffHint')}
    </p>
  );
}

/** Every camera of every campus, the own campus first. */
export function CameraList({ cameras, sites, isShown, verb, onToggle }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const now = useNow(60_000);
  return (
    <nav className={css.list} aria-label={t('list')}>
      {groupBySite(cameras, sites).map(({ siteId, site, cameras: here }) => (
        <section key={siteId} aria-label={site?.name ?? t('unknownSite')}>
          <h2 className={css.campus}>{site?.name ?? t('unknownSite')}</h2>
          {site !== undefined && cutOff(site) && <CutOff site={site} now={now} />}
          <ul className={css.cameras}>
            {here.map((camera) => (
              <li key={camera.id}>
                <CameraButton
                  camera={camera}
                  site={site}
                  shown={isShown(camera)}
                  verb={verb}
                  now={now}
                  onToggle={onToggle}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}
