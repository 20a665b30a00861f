import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { FieldValue } from '@/api/model';
import type { KindSpec } from '@/kinds/spec';
import styles from './entry.module.css';

interface Props {
  spec: KindSpec;
  value: FieldValue;
  onPick: (value: string) => void;
}

export function QuickTypes({ spec, value, onPick }: Props) {
  const { t } = useTranslation();
  return (
    <fieldset className={styles.quick}>
      <legend className="visually-hidden">{t('form.quick')}</legend>
      {spec.quickTypes.map((type) => (
        <Button
          key={type}
          size="small"
          aria-pressed={value === type}
          type={value === type ? 'primary' : 'default'}
          onClick={() => onPick(type)}
        >
          {t(`choices.${spec.category.name}.${type}`)}
        </Button>
      ))}
    </fieldset>
  );
}
