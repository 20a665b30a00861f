import { Button } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMayWrite } from '@/entry/useMayWrite';
import type { KindSpec } from '@/kinds/spec';
import { FilterBar } from './FilterBar';
import type { Filters } from './filters';
import { ListBody } from './ListBody';
import { ListFoot } from './ListFoot';
import styles from './list.module.css';
import { useRecords } from './useRecords';

interface Props {
  spec: KindSpec;
  filters: Filters;
  onFilters: (filters: Filters) => void;
  onCreate: () => void;
}

/** The whole list page of one kind. */
export function RecordList({ spec, filters, onFilters, onCreate }: Props) {
  const { t } = useTranslation();
  const query = useMemo(() => ({ ...filters, kind: [spec.kind] }), [filters, spec.kind]);
  const mayWrite = useMayWrite(spec);
  const records = useRecords(query);
  const filtered = Object.keys(filters).length > 0;
  const name = t(`kind.${spec.kind}.name`);
  return (
    <div className={styles.sheet}>
      <div className={styles.heading}>
        <h1>{name}</h1>
        <Button onClick={() => window.print()}>{t('list.print')}</Button>
        <Button
          type="primary"
          disabled={!mayWrite}
          title={mayWrite ? undefined : t('reasons.role')}
          onClick={onCreate}
        >
          {t(`kind.${spec.kind}.create`)}
        </Button>
      </div>
      <section className={styles.panel} aria-label={name}>
        <FilterBar
          filters={filters}
          shown={spec.filters}
          category={spec.category}
          onChange={onFilters}
        />
        <div className={styles.scroll}>
          <ListBody
            records={records}
            columns={spec.columns}
            caption={t('list.caption', { kind: name })}
            empty={t(`kind.${spec.kind}.${filtered ? 'emptyFiltered' : 'empty'}`)}
          />
        </div>
        <ListFoot records={records} />
      </section>
    </div>
  );
}
