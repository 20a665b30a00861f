import { useMutation } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { asApiError } from '@/api/errors';
import { describedBy, FieldFrame } from '@/fields/FieldFrame';
import { useErrorText, useFieldErrorText } from '@/i18n/useErrorText';
import { JoinCode } from './JoinCode';
import styles from './status.module.css';
import { NotYet } from './Unconfirmed';
import { useUnconfirmed } from './useAdminStatus';

/** A one-time code that enrols a new campus; only the hub makes it. */
export function JoinCodeForm() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const fieldText = useFieldErrorText();
  const unconfirmed = useUnconfirmed();
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const [checked, setChecked] = useState(false);
  const make = useMutation({
    mutationFn: (asked: { name: string; code: string }) => api.makeJoinCode(asked.name, asked.code),
  });
  const fromSite = (field: string) => {
    const fault = make.error
      ? asApiError(make.error).fields.find((one) => one.field === field)
      : undefined;
    return fault ? fieldText(fault) : undefined;
  };
  const nameError = checked && !name.trim() ? t('join.nameRequired') : fromSite('site_name');
  const codeError =
    checked && !/^[A-Z]{1,4}$/.test(code) ? t('join.codeInvalid') : fromSite('code');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (unconfirmed) return;
    if (name.trim() && /^[A-Z]{1,4}$/.test(code) && !make.isPending) {
      make.mutate({ name: name.trim(), code });
    }
  };
  return (
    <section className={styles.panel}>
      <h2>{t('join.title')}</h2>
      <p className="secondary">{t('join.hint')}</p>
      <form className={styles.join} onSubmit={submit} noValidate>
        <FieldFrame id="join-name" label={t('join.name')} error={nameError}>
          <Input
            id="join-name"
            value={name}
            status={nameError ? 'error' : ''}
            onChange={(event) => setName(event.target.value)}
            {...describedBy('join-name', nameError)}
          />
        </FieldFrame>
        <FieldFrame id="join-code" label={t('join.code')} error={codeError}>
          <Input
            id="join-code"
            value={code}
            status={codeError ? 'error' : ''}
            onChange={(event) => setCode(event.target.value.toUpperCase())}
            {...describedBy('join-code', codeError)}
          />
        </FieldFrame>
        <Button type="primary" htmlType="submit" disabled={unconfirmed} loading={make.isPending}>
          {t('join.submit')}
        </Button>
      </form>
      <NotYet unconfirmed={unconfirmed} />
      {make.error ? (
        <p className={styles.problem} role="alert">
          {asApiError(make.error).code === 'conflict_state'
            ? t('join.taken')
            : errorText(make.error)}
        </p>
      ) : null}
      {make.data ? <JoinCode name={make.variables.name} code={make.data.code} /> : null}
    </section>
  );
}
