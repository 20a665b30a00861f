import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { asApiError } from '@/api/errors';
import { keys } from '@/api/queries';
import { describedBy, FieldFrame } from '@/fields/FieldFrame';
import { SignInError } from './SignInError';
import styles from './sign-in.module.css';

export function SignInForm() {
  const { t } = useTranslation();
  const router = useRouter();
  const { to } = useSearch({ from: '/sign-in' });
  const queries = useQueryClient();
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const [checked, setChecked] = useState(false);
  const signIn = useMutation({
    mutationFn: () => api.signIn(login.trim(), password),
    onSuccess: (session) => {
      queries.setQueryData(keys.session, session);
      router.history.replace(to ?? '/desk');
    },
    onError: () => setPassword(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (login.trim() && password && !signIn.isPending) {
      setChecked(false);
      signIn.mutate();
    }
  };
  const loginError = checked && !login.trim() ? t('signIn.loginRequired') : undefined;
  const passwordError = checked && !password ? t('signIn.passwordRequired') : undefined;
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <FieldFrame id="login" label={t('signIn.login')} error={loginError}>
        <Input
          id="login"
          autoFocus
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          value={login}
          onChange={(event) => setLogin(event.target.value)}
          status={loginError ? 'error' : ''}
          {...describedBy('login', loginError)}
        />
      </FieldFrame>
      <FieldFrame id="password" label={t('signIn.password')} error={passwordError}>
        <Input.Password
          id="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          status={passwordError ? 'error' : ''}
          {...describedBy('password', passwordError)}
        />
      </FieldFrame>
      {signIn.error ? (
        <SignInError error={asApiError(signIn.error)} at={signIn.submittedAt} />
      ) : null}
      <Button type="primary" htmlType="submit" loading={signIn.isPending} block>
        {t(signIn.isPending ? 'signIn.submitting' : 'signIn.submit')}
      </Button>
    </form>
  );
}
