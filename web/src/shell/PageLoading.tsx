import { Spin } from 'antd';
import { useTranslation } from 'react-i18next';
import styles from './PageMessage.module.css';
import { useDelayed } from './useDelayed';

/** Says that work goes on. */
export function PageLoading() {
  const { t } = useTranslation();
  return (
    <div className={styles.message} role="status">
      <Spin /> <span>{t('app.loading')}</span>
    </div>
  );
}

/** The same, once it has gone on for a second. */
export function LatePageLoading() {
  return useDelayed(1000) ? <PageLoading /> : null;
}
