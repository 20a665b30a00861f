import { useTranslation } from 'react-i18next';
import { useSession } from '@/shell/session';
import css from './cameras.module.css';
import { NAMESPACE } from './texts';

/** Says what to do: an administrator can change it, everybody else can ask one. */
export function NoCameras() {
  const { t } = useTranslation(NAMESPACE);
  const administrator = useSession().user.role === 'administrator';
  return (
    <div className={css.empty}>
      <h2>{t('emptyTitle')}</h2>
      <p>{t(administrator ? 'emptyAdmin' : 'emptyOther')}</p>
    </div>
  );
}
