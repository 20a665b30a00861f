import { Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { NAMESPACE } from './texts';
import { LAYOUTS, type WallLayout } from './wall';

interface Props {
  layout: WallLayout;
  onChange: (layout: WallLayout) => void;
}

export function LayoutPicker({ layout, onChange }: Props) {
  const { t } = useTranslation(NAMESPACE);
  return (
    <Radio.Group
      aria-label={t('layout')}
      optionType="button"
      buttonStyle="solid"
      value={layout}
      onChange={(event) => onChange(event.target.value as WallLayout)}
      options={LAYOUTS.map((count) => ({ value: count, label: t('layoutOf', { count }) }))}
    />
  );
}
