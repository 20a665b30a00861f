import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { RecordAction } from '@/api/model';
import { useErrorText } from '@/i18n/useErrorText';
import { useReasonText } from '@/i18n/useReasonText';
import css from './consultation.module.css';
import type { Membership } from './membership';
import { NAMESPACE } from './texts';
import { usePluggedIn } from './usePluggedIn';

interface Props {
  membership: Membership;
  /** What the site says about joining; undefined if it offers none. */
  action: RecordAction | undefined;
  onJoin: (listener: boolean) => void;
}

function Notes({ membership }: { membership: Membership }) {
  const { t } = useTranslation(NAMESPACE);
  const errorText = useErrorText();
  if (membership.phase !== 'outside') {
    return null;
  }
  return (
    <>
      {membership.note === 'left' && <Alert type="info" title={t('noteLeft')} />}
      {membership.note === 'dropped' && <Alert type="warning" showIcon title={t('noteDropped')} />}
      {membership.failure !== null && (
        <Alert type="error" showIcon title={errorText(membership.failure)} />
      )}
    </>
  );
}

/** Before the room: what the others will see and hear, and one press to go in. */
export function JoinPanel({ membership, action, onJoin }: Props) {
  const { t } = useTranslation(NAMESPACE);
  const reasonText = useReasonText();
  const ready = usePluggedIn();
  const allowed = action?.allowed ?? false;
  const silent = ready === 'none' || ready === 'insecure';
  const joining = membership.phase === 'joining';
  const again = membership.phase === 'outside' && membership.note !== null;
  return (
    <section className={css.join} aria-label={t('join')}>
      <Notes membership={membership} />
      <p role="status">{t(`ready.${ready}`)}</p>
      <p className="secondary">{t(silent ? 'listenHint' : 'joinHint')}</p>
      {!allowed && <p>{t('joinNotAllowed', { reason: reasonText(action?.reason ?? null) })}</p>}
      <div className={css.joinButtons}>
        {!silent && (
          <Button
            type="primary"
            size="large"
            disabled={!allowed}
            loading={joining}
            onClick={() => onJoin(false)}
          >
            {t(joining ? 'joining' : again ? 'rejoin' : 'join')}
          </Button>
        )}
        <Button
          size="large"
          type={silent ? 'primary' : 'default'}
          disabled={!allowed || joining}
          onClick={() => onJoin(true)}
        >
          {t('joinAsListener')}
        </Button>
      </div>
    </section>
  );
}
