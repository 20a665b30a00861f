import { useTranslation } from 'react-i18next';
import type { RecordRow } from '@/api/model';
import { kinds } from '@/kinds';
import type { ColumnId } from '@/kinds/spec';
import { LevelSquare } from '@/marks/LevelSquare';
import { RowMarks } from '@/marks/RowMarks';
import { StateChip } from '@/marks/StateChip';
import { useSites } from '@/sites/useSites';
import styles from './list.module.css';
import { RecordLink } from './RecordLink';
import { RowTimes } from './RowTimes';

/** One cell of a list, by its column. */
export function RowCell({ column, row }: { column: ColumnId; row: RecordRow }) {
  const { t } = useTranslation();
  const { short } = useSites();
  const category = kinds[row.kind]?.category.name ?? 'category';
  const marked =
    row.provisional ||
    row.disputed ||
    row.amended !== 'none' ||
    row.sensitive ||
    row.attached > 0 ||
    !row.acked;
  // Where the title cuts a long text, the rest may begin with the comma.
  const more = column === 'summary' ? row.summary?.replace(/^[，。、；：,.;:\s]+/, '') : null;
  switch (column) {
    case 'times':
      return <RowTimes row={row} />;
    case 'number':
      return (
        <>
          <span className={styles.first}>{short(row.site)}</span>
          <span className={`${styles.second} figures`}>{row.number}</span>
        </>
      );
    case 'grade':
      return <LevelSquare level={row.level} />;
    case 'category':
      if (row.kind === 'incident') return <LevelSquare level={row.level} />;
      return row.category ? t(`choices.${category}.${row.category}`) : null;
    case 'title':
    case 'summary':
      return (
        <>
          <RecordLink
            kind={row.kind}
            id={row.id}
            provisional={row.provisional}
            className={styles.link}
          >
            {row.title || t(row.sensitive ? 'record.withheld' : 'field.notSet')}
          </RecordLink>
          {marked || more ? (
            <span className={styles.second}>
              <RowMarks row={row} />
              {more}
            </span>
          ) : null}
        </>
      );
    case 'state':
      return row.state ? <StateChip state={row.state} /> : <StateChip state={row.phase} />;
    case 'phase':
      return <StateChip state={row.phase} />;
    case 'author':
      return row.author.name;
  }
}
