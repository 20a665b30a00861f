import { Spin } from 'antd';
import { useTranslation } from 'react-i18next';
import styles from './PageMessage.module.css';
import { useDelayed } from './useDelayed';

/** Says that work goes on, once it has gone on for a second. */
export function PageLoading() {
  const { t } = useTranslation();
  const late = useDelayed(1000);
  if (!late) return null;
  return (
    <div className={styles.message} role="status">
      <Spin /> <span>{t('app.loading')}</span>
    </div>
  );
}
