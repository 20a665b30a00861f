import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import type { DutyRecord, Fields } from '@/api/model';
import { filled, localErrors } from '@/fields/local-errors';
import { RecordFields } from '@/fields/RecordFields';
import { isSaveKey } from '@/fields/save-keys';
import { useErrorText } from '@/i18n/useErrorText';
import type { ActionSpec } from '@/kinds/spec';
import styles from './actions.module.css';
import { useAct } from './useAct';

interface Props {
  record: DutyRecord;
  action: string;
  spec: ActionSpec;
  onDone: (result: DutyRecord) => void;
}

/** The form of one action; what was typed stays until the site has taken it. */
export function ActionForm({ record, action, spec, onDone }: Props) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [values, setValues] = useState<Fields>(() => spec.initial?.(record, Date.now()) ?? {});
  const [local, setLocal] = useState<ReturnType<typeof localErrors>>([]);
  const act = useAct(record.id, action, (result) => {
    setValues(spec.initial?.(result, Date.now()) ?? {});
    onDone(result);
  });
  const save = () => {
    const faults = localErrors(spec.fields, values);
    setLocal(faults);
    if (faults.length === 0) act.run(filled(values));
  };
  const errors = local.length > 0 ? local : act.error ? asApiError(act.error).fields : [];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens for the save key of the fields inside
    <div
      className={styles.form}
      onKeyDown={(event) => {
        if (!isSaveKey(event)) return;
        event.preventDefault();
        save();
      }}
    >
      <RecordFields
        prefix={`${action}-${record.id}`}
        kind={action === 'open_incident' ? 'incident' : record.kind}
        specs={spec.fields}
        values={values}
        errors={errors}
        onChange={(name, value) => setValues((old) => ({ ...old, [name]: value }))}
      />
      {act.error ? (
        <p className={styles.error} role="alert">
          {errorText(act.error)}
        </p>
      ) : null}
      <div>
        <Button type="primary" danger={spec.danger} loading={act.pending} onClick={save}>
          {t(act.pending ? 'action.saving' : 'action.submit')}
        </Button>
      </div>
    </div>
  );
}
