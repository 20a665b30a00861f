import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { FieldValue } from '@/api/model';
import type { FieldSpec } from '@/kinds/spec';
import { describedBy } from './FieldFrame';

interface Props {
  id: string;
  spec: FieldSpec;
  value: FieldValue;
  error?: string;
  onChange: (value: FieldValue) => void;
}

export function ChoiceInput({ id, spec, value, error, onChange }: Props) {
  const { t } = useTranslation();
  const options = (spec.choices ?? []).map((choice) => ({
    value: choice,
    label: t(`choices.${spec.choicesOf ?? spec.name}.${choice}`),
  }));
  return (
    <Select
      id={id}
      virtual={false}
      listHeight={420}
      showSearch={{ optionFilterProp: 'label' }}
      allowClear={spec.optional}
      value={typeof value === 'string' ? value : undefined}
      placeholder={t(spec.name === 'level' ? 'form.notGraded' : 'form.choose')}
      status={error ? 'error' : ''}
      options={options}
      onChange={(next: string | undefined) => onChange(next ?? null)}
      {...describedBy(id, error)}
    />
  );
}
