import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { keys } from '@/api/queries';
import { describedBy, FieldFrame } from '@/fields/FieldFrame';
import { useErrorText } from '@/i18n/useErrorText';
import { useSites } from '@/sites/useSites';
import styles from './status.module.css';
import { NotYet } from './Unconfirmed';
import { useUnconfirmed } from './useAdminStatus';

/** Ends a site's key; the site's letters are typed, so that nobody does it by a slip. */
export function RevokeForm() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const { sites } = useSites();
  const unconfirmed = useUnconfirmed();
  const [code, setCode] = useState('');
  const [cut, setCut] = useState('');
  const [checked, setChecked] = useState(false);
  const site = sites.find((one) => one.code === code && !one.self);
  const revoke = useMutation({
    mutationFn: (asked: { site: string; code: string; cut: number | null }) =>
      api.revokeSite(asked.site, asked.code, asked.cut),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.adminStatus }),
  });
  const codeError = checked && !site ? t('revoke.noSite') : undefined;
  const cutError = checked && !/^\d{0,9}$/.test(cut) ? t('revoke.noCut') : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (unconfirmed) return;
    if (site && /^\d{0,9}$/.test(cut) && !revoke.isPending) {
      revoke.mutate({ site: site.id, code, cut: cut === '' ? null : Number(cut) });
    }
  };
  return (
    <section className={styles.panel}>
      <h2>{t('revoke.title')}</h2>
      <p className="secondary">{t('revoke.hint')}</p>
      <form className={styles.join} onSubmit={submit} noValidate>
        <FieldFrame id="revoke-code" label={t('revoke.code')} error={codeError}>
          <Input
            id="revoke-code"
            value={code}
            status={codeError ? 'error' : ''}
            onChange={(event) => setCode(event.target.value.toUpperCase())}
            {...describedBy('revoke-code', codeError)}
          />
        </FieldFrame>
        <FieldFrame id="revoke-cut" label={t('revoke.cut')} error={cutError}>
          <Input
            id="revoke-cut"
            inputMode="numeric"
            value={cut}
            status={cutError ? 'error' : ''}
            onChange={(event) => setCut(event.target.value)}
            {...describedBy('revoke-cut', cutError)}
          />
        </FieldFrame>
        <Button danger htmlType="submit" disabled={unconfirmed} loading={revoke.isPending}>
          {t('revoke.submit')}
        </Button>
      </form>
      <NotYet unconfirmed={unconfirmed} />
      {revoke.error ? (
        <p className={styles.problem} role="alert">
          {errorText(revoke.error)}
        </p>
      ) : null}
      {revoke.isSuccess ? <p role="status">{t('revoke.done')}</p> : null}
    </section>
  );
}
