import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './status.module.css';

export function JoinCode({ name, code }: { name: string; code: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
  };
  return (
    <div role="status">
      <h3>{t('join.made', { name })}</h3>
      <p className={styles.code}>
        <code>{code}</code>
      </p>
      <Button onClick={() => void copy().catch(() => setCopied(false))}>
        {t(copied ? 'join.copied' : 'join.copy')}
      </Button>
    </div>
  );
}
