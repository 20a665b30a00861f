import { Button, Input } from 'antd';
import { type KeyboardEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FieldValue } from '@/api/model';
import { dateTime, dayOf, MINUTE_MS, parseTime, toMinute } from '@/time/format';
import { describedBy } from './FieldFrame';
import styles from './fields.module.css';

interface Props {
  id: string;
  value: FieldValue;
  error?: string;
  onChange: (value: FieldValue) => void;
}

function shown(value: FieldValue): string {
  if (typeof value !== 'number') return String(value ?? '');
  const thisYear = dayOf(Date.now()).slice(0, 5);
  const text = dateTime(value);
  return text.startsWith(thisYear) ? text.slice(5) : text;
}

/**
 * A time to the minute, typed freely or stepped by ↑ and ↓. Text that is no time stays as typed,
 * so that the officer can mend it.
 */
export function TimeInput({ id, value, error, onChange }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState<string | null>(null);
  const settle = (text: string) => {
    setTyped(null);
    onChange(text.trim() === '' ? null : (parseTime(text, Date.now()) ?? text));
  };
  const step = (minutes: number) => {
    const from = typed === null ? value : parseTime(typed, Date.now());
    setTyped(null);
    onChange(toMinute(typeof from === 'number' ? from : Date.now()) + minutes * MINUTE_MS);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      step(event.key === 'ArrowUp' ? 1 : -1);
    }
  };
  return (
    <div className={styles.time}>
      <Input
        id={id}
        className="figures"
        value={typed ?? shown(value)}
        status={error ? 'error' : ''}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={() => typed !== null && settle(typed)}
        onKeyDown={onKeyDown}
        {...describedBy(id, error)}
      />
      <Button
        className={styles.step}
        aria-label={t('form.earlier')}
        title={t('form.earlier')}
        onClick={() => step(-1)}
      >
        −
      </Button>
      <Button
        className={styles.step}
        aria-label={t('form.later')}
        title={t('form.later')}
        onClick={() => step(1)}
      >
        ＋
      </Button>
      <Button className={styles.step} onClick={() => onChange(toMinute(Date.now()))}>
        {t('form.now')}
      </Button>
    </div>
  );
}
