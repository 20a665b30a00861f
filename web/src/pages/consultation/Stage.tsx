import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera, Consultation, Site } from '@/api/model';
import { CameraTile } from '@/media/CameraTile';
import { PersonTile } from '@/media/PersonTile';
import css from './consultation.module.css';
import { others } from './people';
import { stageGrid } from './stageGrid';
import { NAMESPACE } from './texts';
import { useSize } from './useSize';

interface Props {
  consultation: Consultation;
  me: string;
  cameras: readonly Camera[];
  sites: readonly Site[];
  onUnpin: (camera: string) => void;
}

/** Everybody else in the room and every pinned camera, as large as the stage allows. */
export function Stage({ consultation, me, cameras, sites, onUnpin }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const stage = useRef<HTMLElement>(null);
  const { width, height } = useSize(stage);
  const people = others(consultation.participants, me);
  const siteOf = (id: string) => sites.find((site) => site.id === id);
  const count = people.length + consultation.cameras.length;
  const { columns, tileWidth, tileHeight } = stageGrid(count, width, height);
  return (
    <section
      ref={stage}
      className={css.stage}
      style={
        count === 0
          ? undefined
          : {
              gridTemplateColumns: `repeat(${columns}, ${tileWidth}px)`,
              gridAutoRows: `${tileHeight}px`,
            }
      }
      aria-label={t('stage')}
    >
      {count === 0 && <p className={css.alone}>{t('alone')}</p>}
      {people.map((one) => (
        <div key={one.participation} className={css.tile}>
          <PersonTile participant={one} site={siteOf(one.site)} />
        </div>
      ))}
      {consultation.cameras.map(({ camera: id }) => {
        const camera = cameras.find((one) => one.id === id);
        return (
          <div key={id} className={css.tile}>
            {camera === undefined ? (
              <p className={css.alone}>{t('pinnedUnknown')}</p>
            ) : (
              <CameraTile
                camera={camera}
                site={siteOf(camera.site)}
                onClose={() => onUnpin(camera.id)}
              />
            )}
          </div>
        );
      })}
    </section>
  );
}
