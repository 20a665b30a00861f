import { type ClipboardEvent, type DragEvent, type ReactNode, useState } from 'react';
import styles from './attachments.module.css';

interface Props {
  onFiles: (files: File[]) => void;
  disabled?: boolean;
  /** What letting go will do. */
  text: string;
  children: ReactNode;
}

const carriesFiles = ({ dataTransfer }: DragEvent) => [...dataTransfer.types].includes('Files');

/** Files dropped or pasted anywhere inside become attachments; pasted words stay words. */
export function DropZone({ onFiles, disabled, text, children }: Props) {
  const [over, setOver] = useState(false);
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
  const enter = (event: DragEvent) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const leave = ({ currentTarget, relatedTarget }: DragEvent) => {
    if (!currentTarget.contains(relatedTarget as Node | null)) setOver(false);
  };
  const listens = { onDragOver: enter, onDragLeave: leave, onDrop: drop, onPaste: paste };
  return (
    <div className={styles.zone} {...(disabled ? {} : listens)}>
      {children}
      {over && !disabled ? <div className={styles.over}>{text}</div> : null}
    </div>
  );
}
