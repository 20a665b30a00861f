import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSound } from './sound';
import { NAMESPACE } from './texts';

/** Appears only while the browser keeps voices silent. */
export function SoundButton() {
  const { t } = useTranslation(NAMESPACE);
  const sound = useSound();
  if (!sound.blocked) {
    return null;
  }
  return (
    <Alert
      type="warning"
      showIcon
      title={t('resumeSoundWhy')}
      action={
        <Button type="primary" onClick={sound.resume}>
          {t('resumeSound')}
        </Button>
      }
    />
  );
}
