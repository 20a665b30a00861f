import { type ClipboardEvent, type DragEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './attachments.module.css';

interface Props {
  onFiles: (files: File[]) => void;
  disabled?: boolean;
  children: ReactNode;
}

const carriesFiles = ({ dataTransfer }: DragEvent) => [...dataTransfer.types].includes('Files');

/** Files dropped or pasted anywhere inside become attachments; pasted words stay words. */
export function DropZone({ onFiles, disabled, children }: Props) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  if (disabled) return <>{children}</>;
  const drop = (event: DragEvent) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens for files; the button does the same by keyboard
    <div
      className={styles.zone}
      onDragOver={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={drop}
      onPaste={paste}
    >
      {children}
      {over ? <div className={styles.over}>{t('attachments.drop')}</div> : null}
    </div>
  );
}
