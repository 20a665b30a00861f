import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './fields.module.css';

interface Props {
  id: string;
  label: string;
  optional?: boolean;
  error?: string;
  note?: ReactNode;
  children: ReactNode;
}

/** Label, control and the error said at the control itself. */
export function FieldFrame({ id, label, optional, error, note, children }: Props) {
  const { t } = useTranslation();
  return (
    <div className={styles.frame}>
      <label htmlFor={id} className={styles.label}>
        {label}
        {optional ? <span className={styles.optional}> {t('form.optional')}</span> : null}
      </label>
      {children}
      {note ? <span className="secondary">{note}</span> : null}
      {error ? (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
}

/** What ties a control to its frame's error for those who hear the screen. */
export const describedBy = (id: string, error: string | undefined) =>
  error ? { 'aria-invalid': true, 'aria-describedby': `${id}-error` } : {};
