import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DraftFiles } from '@/attachments/DraftFiles';
import { DropZone } from '@/attachments/DropZone';
import { RecordFields } from '@/fields/RecordFields';
import { isSaveKey } from '@/fields/save-keys';
import { useAttaches } from '@/fields/useFieldLimits';
import { useSaveErrorText } from '@/i18n/useErrorText';
import type { KindSpec } from '@/kinds/spec';
import styles from './entry.module.css';
import { QuickTypes } from './QuickTypes';
import type { Entry } from './useEntry';

interface Props {
  spec: KindSpec;
  entry: Entry;
  prefix: string;
  className?: string;
}

/** The form of a new record of any kind; Ctrl+Enter saves from every field. */
export function EntryForm({ spec, entry, prefix, className }: Props) {
  const { t } = useTranslation();
  const errorText = useSaveErrorText();
  const [all, setAll] = useState(false);
  const { current, errors } = entry;
  const rest = spec.form.filter(({ name }) => !spec.quickFields.includes(name));
  const hiddenInUse = rest.some(
    ({ name }) => current.fields[name] || errors.some(({ field }) => field === name),
  );
  const shown = all || hiddenInUse ? spec.form : spec.form.filter((f) => !rest.includes(f));
  const change = (name: string, value: Parameters<Entry['change']>[2]) =>
    entry.change(current, name, value);
  const attaches = useAttaches(spec.kind);
  const form = (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens for the save key of the fields inside
    <div
      className={styles.form}
      onKeyDown={(event) => {
        if (!isSaveKey(event)) return;
        event.preventDefault();
        entry.save();
      }}
    >
      <QuickTypes
        spec={spec}
        value={current.fields[spec.category.name]}
        onPick={(value) => change(spec.category.name, value)}
      />
      <RecordFields
        prefix={prefix}
        kind={spec.kind}
        specs={shown.filter(({ input }) => input !== 'flag')}
        values={current.fields}
        errors={errors}
        rows={2}
        className={className}
        onChange={change}
      />
      {attaches ? (
        <DraftFiles
          files={current.attachments ?? []}
          uploads={entry.uploads}
          onFiles={entry.attach}
          onRemove={entry.detach}
        />
      ) : null}
      {entry.error ? (
        <p className={styles.error} role="alert">
          {errorText(entry.error)}
        </p>
      ) : null}
      <div className={styles.submit}>
        <Button
          type="primary"
          loading={entry.saving}
          onMouseDown={(event) => event.preventDefault()}
          onClick={entry.save}
        >
          {t(entry.saving ? 'action.saving' : 'form.submit')}{' '}
          <kbd className={styles.key}>{t('form.submitKey')}</kbd>
        </Button>
        <RecordFields
          prefix={prefix}
          kind={spec.kind}
          specs={shown.filter(({ input }) => input === 'flag')}
          values={current.fields}
          errors={errors}
          className={styles.flags}
          onChange={change}
        />
        {rest.length > 0 && !hiddenInUse ? (
          <Button type="text" aria-expanded={all} onClick={() => setAll(!all)}>
            {t(all ? 'form.fewer' : 'form.more')}
          </Button>
        ) : null}
      </div>
    </div>
  );
  return (
    <DropZone onFiles={entry.attach} disabled={!attaches} text={t('attachments.drop')}>
      {form}
    </DropZone>
  );
}
