import { Button } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { NAMESPACE } from './texts';

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
  const { t } = useTranslation(NAMESPACE);
  return (
    <Button
      size="large"
      type={on ? 'default' : 'dashed'}
      aria-label={t('stateAndAct', { state: text, act: label })}
      aria-pressed={on}
      aria-keyshortcuts={shortcut}
      title={t('withShortcut', { label, shortcut })}
      icon={icon}
      disabled={disabled}
      onClick={onClick}
    >
      {text}
    </Button>
  );
}
