import { Button, Select } from 'antd';
import { type ChangeEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DropZone } from '@/attachments/DropZone';
import { useSites } from '@/sites/useSites';
import { dateTime } from '@/time/format';
import { CarryState } from './CarryState';
import styles from './status.module.css';
import { useCarry } from './useCarry';

const EVERYBODY = 'all';

/** `2026-11-22 03:12` as a part of a file name. */
const stamp = (ms: number) => dateTime(ms).replace(/[-:]/g, '').replace(' ', '-');

/** Records on a USB stick, for when there is no network at all. */
export function Carry() {
  const { t } = useTranslation();
  const { sites, self } = useSites();
  const { carrying, exportFor, importFile, stop } = useCarry();
  const [peer, setPeer] = useState(EVERYBODY);
  const input = useRef<HTMLInputElement>(null);
  const busy = carrying.state === 'exporting' || carrying.state === 'importing';
  const receivers = [
    { value: EVERYBODY, label: t('carry.everybody') },
    ...sites.filter((site) => !site.self).map(({ code, name }) => ({ value: code, label: name })),
  ];
  const to = receivers.find(({ value }) => value === peer)?.label ?? peer;
  const name = () =>
    `${t('carry.file', { from: self?.name ?? '', to, time: stamp(Date.now()) })}.carry`;
  const take = ([file]: readonly File[]) => {
    if (file) void importFile(file);
  };
  const picked = (event: ChangeEvent<HTMLInputElement>) => {
    take([...(event.target.files ?? [])]);
    // The same file may be chosen again.
    event.target.value = '';
  };
  return (
    <DropZone onFiles={take} disabled={busy} text={t('carry.drop')}>
      <section className={styles.panel} aria-labelledby="carry">
        <h2 id="carry">{t('carry.title')}</h2>
        <p className="secondary">{t('carry.hint')}</p>
        <div className={styles.bar}>
          <span className={styles.choice}>
            <label htmlFor="carry-for" className="secondary">
              {t('carry.for')}
            </label>
            <Select
              id="carry-for"
              value={peer}
              onChange={setPeer}
              disabled={busy}
              popupMatchSelectWidth={false}
              options={receivers}
            />
          </span>
          <Button
            loading={carrying.state === 'exporting'}
            disabled={carrying.state === 'importing'}
            onClick={() => void exportFor(peer, to, name())}
          >
            {t('carry.export')}
          </Button>
          <Button
            loading={carrying.state === 'importing'}
            disabled={carrying.state === 'exporting'}
            onClick={() => input.current?.click()}
          >
            {t('carry.import')}
          </Button>
          <input ref={input} type="file" hidden aria-label={t('carry.import')} onChange={picked} />
        </div>
        <CarryState carrying={carrying} onStop={stop} />
      </section>
    </DropZone>
  );
}
