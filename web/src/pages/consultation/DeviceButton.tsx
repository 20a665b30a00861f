import { Button } from 'antd';
import type { ReactNode } from 'react';

interface Props {
  /** Whether it is sending now. */
  on: boolean;
  /** What pressing does, for those who hear the page. */
  label: string;
  /** The state in words, for those who see it. */
  text: string;
  icon: ReactNode;
  shortcut: string;
  disabled: boolean;
  onClick: () => void;
}

/** A microphone or camera switch: state in words and sign, never by colour alone. */
export function DeviceButton({ on, label, text, icon, shortcut, disabled, onClick }: Props) {
  return (
    <Button
      size="large"
      type={on ? 'default' : 'dashed'}
      aria-label={`${text}，${label}`}
      aria-pressed={on}
      aria-keyshortcuts={shortcut}
      title={`${label}（${shortcut}）`}
      icon={icon}
      disabled={disabled}
      onClick={onClick}
    >
      {text}
    </Button>
  );
}
