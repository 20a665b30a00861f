import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useErrorText } from '@/i18n/useErrorText';
import styles from './desk.module.css';
import { TodoRow } from './TodoRow';
import { useOpenRecords } from './useOpenRecords';

/** 待办 / 续办 of all campuses, the oldest first. */
export function TodoList() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { rows, list, more } = useOpenRecords();
  return (
    <section className={`${styles.panel} ${styles.todo}`} aria-label={t('desk.todo')}>
      <div className={styles.bar}>
        <h2>{t('desk.todo')}</h2>
        <span className="secondary figures">{list.isSuccess ? rows.length : ''}</span>
      </div>
      {list.isError ? (
        <p className={styles.note} role="alert">
          {errorText(list.error)}{' '}
          <Button size="small" onClick={() => void list.refetch()}>
            {t('app.retry')}
          </Button>
        </p>
      ) : null}
      {list.isSuccess && rows.length === 0 ? (
        <p className={styles.note}>{t('desk.todoEmpty')}</p>
      ) : null}
      {more ? <p className={styles.note}>{t('desk.todoMore')}</p> : null}
      <ul className={styles.rows}>
        {rows.map((row) => (
          <TodoRow key={row.id} row={row} />
        ))}
      </ul>
    </section>
  );
}
