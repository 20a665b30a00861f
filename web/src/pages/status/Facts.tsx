import { useTranslation } from 'react-i18next';
import { dateTime } from '@/time/format';
import styles from './status.module.css';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const EARLIEST_TIME = 1_500_000_000_000;

function plain(value: unknown): string {
  if (typeof value === 'number' && value > EARLIEST_TIME) return dateTime(value);
  if (value === null || value === undefined) return '—';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Figures for administrators as they come: a list of alike things as a table, else name and value. */
export function Facts({ value }: { value: unknown }) {
  const { t } = useTranslation();
  if (Array.isArray(value)) {
    if (value.length === 0) return <p className="secondary">{t('status.none')}</p>;
    return value.every(isObject) ? (
      <FactTable rows={value} />
    ) : (
      <p>{value.map(plain).join('、')}</p>
    );
  }
  if (!isObject(value)) return <p className="figures">{plain(value)}</p>;
  return (
    <dl className={styles.facts}>
      {Object.entries(value).map(([name, one]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="figures">{plain(one)}</dd>
        </div>
      ))}
    </dl>
  );
}

function FactTable({ rows }: { rows: Record<string, unknown>[] }) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return (
    <div className={styles.scroll}>
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
        <tbody>
          {rows.map((row) => (
            <tr key={JSON.stringify(row)}>
              {columns.map((column) => (
                <td key={column} className="figures">
                  {plain(row[column])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
