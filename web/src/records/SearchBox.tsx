import { Input, type InputRef } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useHotkeys } from '@/shell/useHotkeys';
import styles from './list.module.css';

const PAUSE_MS = 300;

interface Props {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Search as one types, once the input method is done and typing pauses. */
export function SearchBox({ value, onChange }: Props) {
  const { t } = useTranslation();
  const box = useRef<InputRef>(null);
  const [typed, setTyped] = useState(value ?? '');
  const [composing, setComposing] = useState(false);
  useHotkeys({ 'ctrl+k': () => box.current?.focus({ cursor: 'all' }) });

  const [lastValue, setLastValue] = useState(value);
  if (value !== lastValue) {
    setLastValue(value);
    if ((value ?? '') !== typed.trim()) setTyped(value ?? '');
  }

  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => {
    const wanted = typed.trim() || undefined;
    if (composing || wanted === value) return;
    const timer = setTimeout(() => tell.current(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, composing, value]);

  return (
    <Input
      ref={box}
      className={styles.search}
      allowClear
      type="search"
      aria-label={t('list.search')}
      aria-keyshortcuts="Control+K"
      placeholder={`${t('list.search')}（${t('list.searchKey')}）`}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onCompositionStart={() => setComposing(true)}
      onCompositionEnd={() => setComposing(false)}
    />
  );
}
