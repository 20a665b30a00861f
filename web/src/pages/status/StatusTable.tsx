import type { ReactNode } from 'react';
import { ScrollTable } from './ScrollTable';
import styles from './status.module.css';

interface Props {
  title: string;
  /** What no rows mean. */
  empty: string;
  columns: readonly string[];
  rows: { key: string; cells: (string | number)[] }[];
  /** Between title and table, where there are rows. */
  children?: ReactNode;
}

/** A titled table of the status page; no rows is said in words. */
export function StatusTable({ title, empty, columns, rows, children }: Props) {
  return (
    <div className={styles.part}>
      <h3>{title}</h3>
      {rows.length === 0 ? <p className="secondary">{empty}</p> : children}
      {rows.length > 0 ? (
        <ScrollTable label={title} columns={columns}>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, index) => (
                <td key={columns[index]} className="figures" data-label={columns[index]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </ScrollTable>
      ) : null}
    </div>
  );
}
