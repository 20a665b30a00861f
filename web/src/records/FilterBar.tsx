import { Button, Checkbox, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { FieldSpec, FilterId } from '@/kinds/spec';
import { useSites } from '@/sites/useSites';
import { DayFilter } from './DayFilter';
import type { Filters } from './filters';
import styles from './list.module.css';
import { SearchBox } from './SearchBox';

interface Props {
  filters: Filters;
  shown: readonly FilterId[];
  category: FieldSpec;
  /** Kinds to choose between, where a list mixes them. */
  kinds?: readonly string[];
  onChange: (filters: Filters) => void;
}

/** The filters of a list; the address holds them. */
export function FilterBar({ filters, shown, category, kinds = [], onChange }: Props) {
  const { t } = useTranslation();
  const { sites } = useSites();
  const set = (part: Partial<Filters>) => onChange({ ...filters, ...part });
  const has = (id: FilterId) => shown.includes(id);
  const active = Object.values(filters).some((value) => value !== undefined);
  const ofKind = kinds.map((kind) => ({ value: `kind:${kind}`, label: t(`kind.${kind}.name`) }));
  const categories = (category.choices ?? []).map((value) => ({
    value,
    label: t(`choices.${category.name}.${value}`),
  }));
  const pickCategory = (value: string | undefined) =>
    value?.startsWith('kind:')
      ? set({ kind: value.slice(5), category: undefined })
      : set({ category: value, kind: undefined });
  const categoryName = t(category.name === 'class' ? 'list.class' : 'list.category');
  return (
    <search className={styles.filters} aria-label={t('list.filters')}>
      {has('q') ? <SearchBox value={filters.q} onChange={(q) => set({ q })} /> : null}
      {has('site') ? (
        <Select
          aria-label={t('list.site')}
          virtual={false}
          popupMatchSelectWidth={false}
          allowClear
          placeholder={t('list.allSites')}
          value={filters.site}
          options={sites.map(({ id, name }) => ({ value: id, label: name }))}
          onChange={(site?: string) => set({ site })}
        />
      ) : null}
      {has('category') ? (
        <Select
          aria-label={categoryName}
          virtual={false}
          listHeight={420}
          popupMatchSelectWidth={false}
          allowClear
          placeholder={t('list.allCategories')}
          value={filters.kind ? `kind:${filters.kind}` : filters.category}
          options={[...ofKind, ...categories]}
          onChange={pickCategory}
        />
      ) : null}
      {has('day') ? <DayFilter day={filters.day} onChange={(day) => set({ day })} /> : null}
      {has('open') ? (
        <Checkbox
          checked={filters.open === true}
          onChange={(event) => set({ open: event.target.checked || undefined })}
        >
          {t('list.open')}
        </Checkbox>
      ) : null}
      {active ? (
        <Button type="text" onClick={() => onChange({})}>
          {t('list.clear')}
        </Button>
      ) : null}
    </search>
  );
}
