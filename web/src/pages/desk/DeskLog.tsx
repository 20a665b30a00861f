import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { logItem } from '@/kinds';
import { FilterBar } from '@/records/FilterBar';
import { ListBody } from '@/records/ListBody';
import { ListFoot } from '@/records/ListFoot';
import listStyles from '@/records/list.module.css';
import { useRecords } from '@/records/useRecords';
import styles from './desk.module.css';

const KINDS = ['log_item', 'incident'];
const COLUMNS = ['times', 'number', 'category', 'summary', 'author'] as const;
const FILTERS = ['q', 'site', 'category', 'day'] as const;

/** The combined log of all campuses, live. */
export function DeskLog() {
  const { t } = useTranslation();
  const filters = useSearch({ from: '/signed-in/desk' });
  const navigate = useNavigate();
  const query = useMemo(
    () => ({ ...filters, kind: filters.kind ? [filters.kind] : KINDS }),
    [filters],
  );
  const records = useRecords(query);
  const filtered = Object.keys(filters).length > 0;
  return (
    <section className={`${styles.panel} ${styles.log}`} aria-label={t('desk.log')}>
      <div className={styles.bar}>
        <h2>{t('desk.log')}</h2>
        <FilterBar
          filters={filters}
          shown={FILTERS}
          category={logItem.category}
          kinds={KINDS}
          onChange={(search) => void navigate({ to: '/desk', search, replace: true })}
        />
      </div>
      <div className={listStyles.scroll}>
        <ListBody
          records={records}
          columns={COLUMNS}
          caption={t('desk.log')}
          empty={t(`kind.log_item.${filtered ? 'emptyFiltered' : 'empty'}`)}
        />
      </div>
      <ListFoot records={records} />
    </section>
  );
}
