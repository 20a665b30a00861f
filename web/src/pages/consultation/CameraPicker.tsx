import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Camera, Site } from '@/api/model';
import { CameraList } from '../cameras/CameraList';
import { NAMESPACE } from './texts';

interface Props {
  cameras: readonly Camera[];
  sites: readonly Site[];
  pinned: readonly string[];
  onToggle: (camera: Camera) => void;
  onClose: () => void;
}

/** All cameras of all campuses, to be pinned for everyone in the room. */
export function CameraPicker({ cameras, sites, pinned, onToggle, onClose }: Props) {
  const { t } = useTranslation(NAMESPACE);
  return (
    <Modal open title={t('pinTitle')} footer={null} onCancel={onClose}>
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
    </Modal>
  );
}
