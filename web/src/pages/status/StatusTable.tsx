import { useTranslation } from 'react-i18next';
import { ScrollTable } from './ScrollTable';
import styles from './status.module.css';

interface Props {
  title: string;
  columns: readonly string[];
  rows: { key: string; cells: (string | number)[] }[];
}

/** A titled table of the status page; no rows is said in a word. */
export function StatusTable({ title, columns, rows }: Props) {
  const { t } = useTranslation();
  return (
    <div className={styles.part}>
      <h3>{title}</h3>
      {rows.length === 0 ? <p className="secondary">{t('status.none')}</p> : null}
      {rows.length > 0 ? (
        <ScrollTable label={title}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, cells }) => (
              <tr key={key}>
                {cells.map((cell, index) => (
                  <td key={columns[index]} className="figures">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </ScrollTable>
      ) : null}
    </div>
  );
}
