import { Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import { clock } from '@/time/format';
import styles from './entry.module.css';
import type { Entry } from './useEntry';

/** One tab a draft: a second call is a second draft. */
export function DraftTabs({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const { drafts, current } = entry;
  const begun = current.savedAt > 0;
  return (
    <div className={styles.tabs}>
      {drafts.length > 1
        ? drafts.map((draft, index) => (
            <Button
              key={draft.id}
              size="small"
              aria-pressed={draft.id === current.id}
              type={draft.id === current.id ? 'primary' : 'default'}
              onClick={() => entry.choose(draft.id)}
            >
              {t('draft.tab', { n: index + 1 })}
            </Button>
          ))
        : null}
      {begun ? (
        <>
          <Button size="small" type="text" onClick={() => entry.add()}>
            ＋ {t('draft.add')}
          </Button>
          <Popconfirm
            title={t('draft.dropConfirm')}
            okText={t('draft.drop')}
            cancelText={t('draft.keep')}
            onConfirm={() => entry.drop(current.id)}
          >
            <Button size="small" type="text">
              {t('draft.drop')}
            </Button>
          </Popconfirm>
          <span
            className={styles.unsent}
            title={t('draft.savedAt', { time: clock(current.savedAt) })}
          >
            {t('draft.mark')}
          </span>
        </>
      ) : null}
      {entry.failed ? <strong role="alert">{t('draft.storeFailed')}</strong> : null}
    </div>
  );
}
