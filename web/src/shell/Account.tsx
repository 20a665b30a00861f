import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { asApiError } from '@/api/errors';
import { keys } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import styles from './Head.module.css';
import { useSession } from './session';

export function Account() {
  const { t } = useTranslation();
  const { user } = useSession();
  const queries = useQueryClient();
  const { message } = App.useApp();
  const errorText = useErrorText();
  const leave = () => {
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.session[0] });
    queries.setQueryData(keys.session, null);
  };
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: leave,
    onError: (error) =>
      asApiError(error).status === 401 ? leave() : void message.error(errorText(error)),
  });
  return (
    <span className={styles.account}>
      <span className={styles.person}>
        {user.name} <span className="secondary">{t(`roles.${user.role}`)}</span>
      </span>
      <Button size="small" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        {t('app.signOut')}
      </Button>
    </span>
  );
}
