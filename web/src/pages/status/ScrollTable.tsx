import type { ReactNode } from 'react';
import styles from './status.module.css';

interface Props {
  label: string;
  /** Headings, in words. */
  columns: readonly string[];
  /** The rows. */
  children: ReactNode;
}

/** A wide table that scrolls sideways, by keyboard too. */
export function ScrollTable({ label, columns, children }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={styles.scroll} tabIndex={0} aria-label={label}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
