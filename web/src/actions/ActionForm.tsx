import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import type { DutyRecord, Fields, RecordAction } from '@/api/model';
import { filled, localErrors } from '@/fields/local-errors';
import { RecordFields } from '@/fields/RecordFields';
import { isSaveKey } from '@/fields/save-keys';
import { useSaveErrorText } from '@/i18n/useErrorText';
import type { ActionSpec, FieldSpec } from '@/kinds/spec';
import styles from './actions.module.css';
import { useAct } from './useAct';

interface Props {
  record: DutyRecord;
  action: RecordAction;
  spec: ActionSpec;
  onDone: (result: DutyRecord) => void;
}

/** The action's fields, its choices narrowed to those the site allows now. */
function fieldsNow(spec: ActionSpec, { choices }: RecordAction): readonly FieldSpec[] {
  if (!choices?.length) return spec.fields;
  return spec.fields.map((field) => (field.input === 'choice' ? { ...field, choices } : field));
}

/** The form of one action; what was typed stays until the site has taken it. */
export function ActionForm({ record, action, spec, onDone }: Props) {
  const { t } = useTranslation();
  const errorText = useSaveErrorText();
  const [values, setValues] = useState<Fields>(() => spec.initial?.(record, Date.now()) ?? {});
  const [local, setLocal] = useState<ReturnType<typeof localErrors>>([]);
  const act = useAct(record.id, action.id, (result) => {
    setValues(spec.initial?.(result, Date.now()) ?? {});
    onDone(result);
  });
  const fields = fieldsNow(spec, action);
  const save = () => {
    const faults = localErrors(fields, values);
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
        prefix={`${action.id}-${record.id}`}
        kind={action.id === 'open_incident' ? 'incident' : record.kind}
        specs={fields}
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
