import { Button, Progress, Select } from 'antd';
import { type ChangeEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import type { Imported } from '@/api/model';
import { upload } from '@/api/upload';
import { useErrorText } from '@/i18n/useErrorText';
import { useSites } from '@/sites/useSites';
import { ImportResult } from './ImportResult';
import styles from './status.module.css';

const EVERYBODY = 'all';

/** Records on a USB stick, for when there is no network at all. */
export function Carry() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const { sites } = useSites();
  const others = sites.filter((site) => !site.self);
  const [peer, setPeer] = useState(EVERYBODY);
  const [percent, setPercent] = useState<number | null>(null);
  const [result, setResult] = useState<Imported | null>(null);
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);
  const take = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = '';
    if (!file) return;
    setResult(null);
    setError(null);
    setPercent(0);
    try {
      setResult(await upload<Imported>('/api/v1/admin/import', file, setPercent));
    } catch (cause) {
      setError(asApiError(cause));
    } finally {
      setPercent(null);
    }
  };
  return (
    <section className={styles.panel}>
      <h2>{t('carry.title')}</h2>
      <p className="secondary">{t('carry.hint')}</p>
      <div className={styles.bar}>
        <Select
          aria-label={t('carry.for')}
          value={peer}
          onChange={setPeer}
          popupMatchSelectWidth={false}
          options={[
            { value: EVERYBODY, label: t('carry.everybody') },
            ...others.map((site) => ({ value: site.code, label: site.name })),
          ]}
        />
        <Button href={`/api/v1/admin/export?peer=${encodeURIComponent(peer)}`} download>
          {t('carry.export')}
        </Button>
        <Button loading={percent !== null} onClick={() => input.current?.click()}>
          {t('carry.import')}
        </Button>
        <input
          ref={input}
          type="file"
          accept=".carry"
          hidden
          aria-label={t('carry.import')}
          onChange={(event) => void take(event)}
        />
      </div>
      {percent === null ? null : <Progress percent={percent} aria-label={t('carry.import')} />}
      {error ? (
        <p className={styles.problem} role="alert">
          {errorText(error)}
        </p>
      ) : null}
      {result ? <ImportResult result={result} /> : null}
    </section>
  );
}
