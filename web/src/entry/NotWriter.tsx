import { useTranslation } from 'react-i18next';

/** Stands where a form would, for a role that does not write this kind. */
export function NotWriter() {
  const { t } = useTranslation();
  return <p className="secondary">{t('form.notWriter', { reason: t('reasons.role') })}</p>;
}
