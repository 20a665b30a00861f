import { Checkbox, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import type { FieldValue, KindField } from '@/api/model';
import type { FieldSpec } from '@/kinds/spec';
import { ChoiceInput } from './ChoiceInput';
import { describedBy, FieldFrame } from './FieldFrame';
import { TimeInput } from './TimeInput';

interface Props {
  id: string;
  spec: FieldSpec;
  limits?: KindField;
  value: FieldValue;
  error?: string;
  rows?: number;
  onChange: (value: FieldValue) => void;
}

const COUNT_FROM = 0.8;

const MOST_ROWS = 10;
const ROW_CHARS = 44;

/** antd's own measuring sets inline styles, which the page's CSP refuses; counting does well enough. */
function rowsFor(text: string, least: number): number {
  const lines = text.split('\n').map((line) => Math.max(1, Math.ceil(line.length / ROW_CHARS)));
  return Math.min(
    MOST_ROWS,
    Math.max(
      least,
      lines.reduce((a, b) => a + b, 0),
    ),
  );
}

/** One field of any record, by its `FieldSpec`. */
export function FieldInput({ id, spec, limits, value, error, rows = 3, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const label = t(`field.${spec.name}`);
  const text = typeof value === 'string' ? value : '';
  const hint = `placeholder.${spec.name}`;
  const common = {
    id,
    value: text,
    status: error ? ('error' as const) : ('' as const),
    placeholder: i18n.exists(hint) ? t(hint) : '',
    ...describedBy(id, error),
  };
  if (spec.input === 'flag') {
    return (
      <Checkbox id={id} checked={value === true} onChange={(e) => onChange(e.target.checked)}>
        {label}
      </Checkbox>
    );
  }
  const length = Array.from(text).length;
  const limit = limits?.max_len ?? 0;
  const note = limit && length > limit * COUNT_FROM ? t('form.chars', { n: length, limit }) : null;
  return (
    <FieldFrame id={id} label={label} optional={spec.optional} error={error} note={note}>
      {spec.input === 'long' ? (
        <Input.TextArea
          {...common}
          rows={rowsFor(text, rows)}
          onChange={(e) => onChange(e.target.value)}
        />
      ) : null}
      {spec.input === 'line' ? (
        <Input {...common} onChange={(e) => onChange(e.target.value)} />
      ) : null}
      {spec.input === 'time' ? (
        <TimeInput id={id} value={value} error={error} onChange={onChange} />
      ) : null}
      {spec.input === 'choice' ? (
        <ChoiceInput id={id} spec={spec} value={value} error={error} onChange={onChange} />
      ) : null}
    </FieldFrame>
  );
}
