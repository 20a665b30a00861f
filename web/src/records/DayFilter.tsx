import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { DAY_MS, dayOf } from '@/time/format';
import styles from './list.module.css';

interface Props {
  day: string | undefined;
  onChange: (day: string | undefined) => void;
}

const shift = (day: string, days: number) =>
  new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

export function DayFilter({ day, onChange }: Props) {
  const { t } = useTranslation();
  const today = dayOf(Date.now());
  return (
    <span className={styles.days}>
      <Button
        type="text"
        className={styles.step}
        aria-label={t('list.prevDay')}
        title={t('list.prevDay')}
        onClick={() => onChange(shift(day ?? today, day ? -1 : 0))}
      >
        ‹
      </Button>
      <input
        type="date"
        aria-label={t('list.day')}
        value={day ?? ''}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
      <Button
        type="text"
        className={styles.step}
        aria-label={t('list.nextDay')}
        title={t('list.nextDay')}
        disabled={!day || day >= today}
        onClick={() => day && onChange(shift(day, 1))}
      >
        ›
      </Button>
    </span>
  );
}
