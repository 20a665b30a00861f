import type { FieldError } from '@/api/errors';
import type { Fields, FieldValue } from '@/api/model';
import { useFieldErrorText } from '@/i18n/useErrorText';
import type { FieldSpec } from '@/kinds/spec';
import { FieldInput } from './FieldInput';
import styles from './fields.module.css';
import { useFieldLimits } from './useFieldLimits';

interface Props {
  /** Makes the controls' ids, so that two forms can stand on one page. */
  prefix: string;
  kind: string;
  specs: readonly FieldSpec[];
  values: Fields;
  errors: FieldError[];
  rows?: number;
  className?: string;
  onChange: (name: string, value: FieldValue) => void;
}

/** The fields of a form in their order, each with the error the site gave for it. */
export function RecordFields({
  prefix,
  kind,
  specs,
  values,
  errors,
  rows,
  className,
  onChange,
}: Props) {
  const limits = useFieldLimits(kind);
  const errorText = useFieldErrorText();
  return (
    <div className={className ?? styles.fields}>
      {specs.map((spec) => {
        const error = errors.find(({ field }) => field === spec.name);
        return (
          <div key={spec.name} className={spec.wide ? styles.wide : undefined}>
            <FieldInput
              id={`${prefix}-${spec.name}`}
              spec={spec}
              limits={limits.get(spec.name)}
              value={values[spec.name]}
              error={error ? errorText(error) : undefined}
              rows={rows}
              onChange={(value) => onChange(spec.name, value)}
            />
          </div>
        );
      })}
    </div>
  );
}
