import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import type { KindSpec } from '@/kinds/spec';
import { RowMarks } from '@/marks/RowMarks';
import { StateChip } from '@/marks/StateChip';
import { useSites } from '@/sites/useSites';
import { dateTime, dateTimeSeconds } from '@/time/format';
import styles from './record.module.css';

interface Props {
  record: DutyRecord;
  spec: KindSpec;
  title: string;
  before?: ReactNode;
  children?: ReactNode;
}

/** Number and state on top, then who wrote it, where, and both times. */
export function RecordHead({ record, spec, title, before, children }: Props) {
  const { t } = useTranslation();
  const { name } = useSites();
  const state = spec.columns.includes('state') ? (record.state ?? record.phase) : record.phase;
  return (
    <header className={styles.head}>
      <Link to={spec.list} className={`${styles.back} screen-only`}>
        ‹ {t(`kind.${spec.kind}.name`)}
      </Link>
      <div className={styles.headline}>
        <div className={styles.named}>
          {before}
          <h1>{title}</h1>
        </div>
        <StateChip state={state} />
        <RowMarks row={record} />
        {children}
      </div>
      <p className="secondary figures">
        {t('record.number', { number: record.number })} · {name(record.site)} ·{' '}
        {t('record.author', { name: record.author.name })}
        {record.happened_at === null
          ? null
          : ` · ${t('record.happened')} ${dateTime(record.happened_at)}`}
        {` · ${t('record.recorded')} ${dateTimeSeconds(record.recorded_at)}`}
      </p>
      {record.disputed ? <p role="note">{t('record.disputedWhy')}</p> : null}
    </header>
  );
}
