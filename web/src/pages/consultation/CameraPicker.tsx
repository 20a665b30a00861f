import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { CameraList } from '../cameras/CameraList';
import css from './consultation.module.css';
import { NAMESPACE } from './texts';

interface Props {
  cameras: readonly Camera[];
  sites: readonly Site[];
  pinned: readonly string[];
  onToggle: (camera: Camera) => void;
  onClose: () => void;
}

/** All cameras of all campuses, to be pinned for everyone; beside the pictures, never over them. */
export function CameraPicker({ cameras, sites, pinned, onToggle, onClose }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section
      className={css.picker}
      aria-label={t('pinTitle')}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          onClose();
        }
      }}
    >
      <div className={css.pickerHead}>
        <h2 ref={heading} tabIndex={-1}>
          {t('pinTitle')}
        </h2>
        <Button size="small" onClick={onClose}>
          {t('pinDone')}
        </Button>
      </div>
      <p className="secondary">{t(cameras.length === 0 ? 'pinEmpty' : 'pinHint')}</p>
      {cameras.length > 0 && (
        <CameraList
          cameras={cameras}
          sites={sites}
          isShown={(camera) => pinned.includes(camera.id)}
          verb="pin"
          onToggle={onToggle}
        />
      )}
    </section>
  );
}
