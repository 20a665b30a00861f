import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera } from '@/api/model';
import { camerasQuery, sitesQuery } from '@/api/queries';
import { keepSpare } from '@/media/receiving';
import { markClick } from '@/media/timing';
import { Crash } from '@/shell/Crash';
import { PageLoading } from '@/shell/PageLoading';
import { CameraList } from './CameraList';
import css from './cameras.module.css';
import { LayoutPicker } from './LayoutPicker';
import { NoCameras } from './NoCameras';
import { NAMESPACE } from './texts';
import { useWall } from './useWall';
import { WallGrid } from './WallGrid';
import { hide, isShown, setLayout, show } from './wall';

/** All cameras of all campuses: a list to choose from and a wall to watch on. */
export function CamerasPage() {
  const { t } = useTranslation(NAMESPACE);
  const { data, error } = useQuery(camerasQuery);
  const { data: siteList } = useQuery(sitesQuery);
  const [wall, change] = useWall();
  useEffect(keepSpare, []);

  const toggle = useCallback(
    (camera: Camera) =>
      change((present) => {
        if (isShown(present, camera.id)) {
          return hide(present, camera.id);
        }
        markClick(camera.id);
        return show(present, camera.id);
      }),
    [change],
  );

  if (error !== null && data === undefined) {
    return <Crash error={error} />;
  }
  if (data === undefined) {
    return <PageLoading />;
  }
  const sites = siteList?.sites ?? [];
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>{t('title')}</h1>
        {wall.order.length === wall.layout && wall.layout > 1 && (
          <span className="secondary">{t('fullHint')}</span>
        )}
        <span className={css.tools}>
          <LayoutPicker
            layout={wall.layout}
            onChange={(layout) => change((present) => setLayout(present, layout))}
          />
          <Button
            disabled={wall.order.length === 0}
            onClick={() => change((present) => present.order.reduce(hide, present))}
          >
            {t('closeAll')}
          </Button>
        </span>
      </header>
      {data.cameras.length === 0 ? (
        <NoCameras />
      ) : (
        <div className={css.body}>
          <CameraList
            cameras={data.cameras}
            sites={sites}
            isShown={(camera) => isShown(wall, camera.id)}
            verb="watch"
            onToggle={toggle}
          />
          <WallGrid
            wall={wall}
            cameras={data.cameras}
            sites={sites}
            onHide={(camera) => change((present) => hide(present, camera))}
          />
        </div>
      )}
    </div>
  );
}
