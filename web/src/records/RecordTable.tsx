import { type KeyboardEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import type { ColumnId } from '@/kinds/spec';
import styles from './list.module.css';
import { RowCell } from './RowCell';

interface Props {
  caption: string;
  rows: RecordRow[];
  columns: readonly ColumnId[];
}

const HEADINGS: Record<ColumnId, string> = {
  times: 'field.happened_at',
  number: 'field.number',
  grade: 'field.level',
  category: 'field.category',
  title: 'field.title',
  summary: 'field.summary',
  state: 'field.state',
  phase: 'field.phase',
  author: 'field.author',
};

/** A list of records; ↑ and ↓ go from row to row. */
export function RecordTable({ caption, rows, columns }: Props) {
  const { t } = useTranslation();
  const table = useRef<HTMLTableElement>(null);
  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const links = [...(table.current?.querySelectorAll<HTMLElement>('[data-row-link]') ?? [])];
    const here = links.indexOf(document.activeElement as HTMLElement);
    const next = links[here + (event.key === 'ArrowDown' ? 1 : -1)];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <table ref={table} className={styles.table} onKeyDown={move}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col" className={styles[column]}>
              {t(HEADINGS[column])}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} className={row.phase === 'done' ? styles.done : undefined}>
            {columns.map((column) => (
              <td key={column} className={styles[column]}>
                <RowCell column={column} row={row} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
