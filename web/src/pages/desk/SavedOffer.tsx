import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { ActionButton } from '@/actions/ActionButton';
import { recordQuery } from '@/api/queries';
import { kinds, pageOf } from '@/kinds';
import { RecordLink } from '@/records/RecordLink';
import styles from './desk.module.css';

const OFFERED = 'open_incident';

/** After saving: what most often follows, with nothing typed twice. */
export function SavedOffer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data: record } = useQuery(recordQuery(id));
  if (!record) return null;
  const action = record.actions.find((one) => one.id === OFFERED);
  const spec = kinds[record.kind]?.actions[OFFERED];
  return (
    <section className={styles.saved} role="status">
      <span>
        ✓ {t('form.saved', { number: record.number })}{' '}
        <RecordLink kind={record.kind} id={record.id}>
          {t('form.view')}
        </RecordLink>
      </span>
      {action && spec ? (
        <>
          <span className="secondary">{t('form.savedOffer')}</span>
          <ActionButton
            record={record}
            action={action}
            spec={spec}
            look={{ size: 'small' }}
            onDone={(result) => {
              onClose();
              const page = pageOf(result.kind);
              if (page) void navigate({ to: page, params: { id: result.id } });
            }}
          />
        </>
      ) : null}
      <Button size="small" type="text" onClick={onClose}>
        {t('form.dismiss')}
      </Button>
    </section>
  );
}
