import { Button, Modal } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { Attachment } from '@/api/model';
import styles from './attachments.module.css';
import { fileUrl } from './file-url';

const SHOWN = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

/** Whether a browser shows it in place; the site serves nothing else so. */
export const isPicture = ({ mime }: Pick<Attachment, 'mime'>) => SHOWN.includes(mime);

interface Props {
  pictures: readonly Attachment[];
  shown: string | null;
  onShow: (id: string | null) => void;
}

/** One picture large; arrow keys lead to the others, Esc out. */
export function PictureDialog({ pictures, shown, onShow }: Props) {
  const { t } = useTranslation();
  const at = pictures.findIndex(({ id }) => id === shown);
  const picture = pictures[at];
  const step = (by: number) => onShow(pictures[at + by]?.id ?? shown);
  // Wherever the focus is: a button that is disabled at either end would hear nothing.
  useEffect(() => {
    if (shown === null) return;
    const press = ({ key }: KeyboardEvent) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
      const next = by ? pictures[at + by] : undefined;
      if (next) onShow(next.id);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [shown, at, pictures, onShow]);
  return (
    <Modal
      open={picture !== undefined}
      title={picture?.name}
      footer={null}
      width={1100}
      destroyOnHidden
      scrollLock={false}
      onCancel={() => onShow(null)}
    >
      {picture ? (
        <div className={styles.viewer}>
          <img src={fileUrl(picture)} alt={picture.caption || picture.name} />
          {picture.caption ? <p>{picture.caption}</p> : null}
          <div className={styles.bar}>
            <Button disabled={at === 0} onClick={() => step(-1)}>
              ‹ {t('attachments.previous')}
            </Button>
            <span className="figures">
              {at + 1} / {pictures.length}
            </span>
            <Button disabled={at === pictures.length - 1} onClick={() => step(1)}>
              {t('attachments.next')} ›
            </Button>
            <a href={fileUrl(picture)} download={picture.name}>
              {t('attachments.save')}
            </a>
          </div>
        </div>
      ) : null}
    </Modal>
  );
}
