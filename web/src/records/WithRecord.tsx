import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import type { DutyRecord } from '@/api/model';
import { recordQuery } from '@/api/queries';
import { useErrorText } from '@/i18n/useErrorText';
import type { KindSpec } from '@/kinds/spec';
import { LatePageLoading } from '@/shell/PageLoading';
import styles from '@/shell/PageMessage.module.css';

interface Props {
  id: string;
  spec: KindSpec;
  children: (record: DutyRecord) => ReactNode;
}

/** Reads a record and shows it; a record that cannot be read says why and leads back. */
export function WithRecord({ id, spec, children }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { data, error, isPending, refetch } = useQuery(recordQuery(id));
  if (data) return children(data);
  if (isPending) return <LatePageLoading />;
  const { status } = asApiError(error);
  // Erased for good: asking again would end the same way.
  const erased = status === 410;
  return (
    <div className={styles.message} role="alert">
      <h1>{t(erased ? 'record.erased' : `kind.${spec.kind}.name`)}</h1>
      <p>{status === 404 ? t('record.notHere') : errorText(error)}</p>
      <div className={styles.actions}>
        {erased ? null : (
          <Button type="primary" onClick={() => void refetch()}>
            {t('app.retry')}
          </Button>
        )}
        <Link to={spec.list}>{t('app.back')}</Link>
      </div>
    </div>
  );
}
