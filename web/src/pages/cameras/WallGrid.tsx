import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { CameraTile } from '@/media/CameraTile';
import css from './cameras.module.css';
import { NAMESPACE } from './texts';
import type { Wall } from './wall';

interface Props {
  wall: Wall;
  cameras: readonly Camera[];
  sites: readonly Site[];
  onHide: (camera: string) => void;
}

const COLUMNS = { 1: css.one, 4: css.four, 9: css.nine } as const;

/** The watched pictures in their places. */
export function WallGrid({ wall, cameras, sites, onHide }: Props) {
  const { t } = useTranslation(NAMESPACE);
  return (
    <section className={`${css.wall} ${COLUMNS[wall.layout]}`} aria-label={t('wall')}>
      {wall.places.map((id, place) => {
        const camera = cameras.find((one) => one.id === id);
        return camera === undefined ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: an empty place is known by its position
          <div key={`empty-${place}`} className={css.place}>
            <span className="visually-hidden">{t('place')}</span>
            <span>{t('placeHint')}</span>
          </div>
        ) : (
          <div key={camera.id} className={css.picture}>
            <CameraTile
              camera={camera}
              site={sites.find((site) => site.id === camera.site)}
              onClose={() => onHide(camera.id)}
            />
          </div>
        );
      })}
    </section>
  );
}
