import { Button, type ButtonProps, Tooltip } from 'antd';
import type { RecordAction } from '@/api/model';
import { useReasonText } from '@/i18n/useReasonText';

interface Props extends Omit<ButtonProps, 'action'> {
  action: RecordAction | undefined;
}

/** A button of the record: disabled with its reason rather than hidden. */
export function ActionButton({ action, ...button }: Props) {
  const reasonText = useReasonText();
  return action?.allowed ? (
    <Button {...button} />
  ) : (
    <Tooltip title={reasonText(action?.reason ?? null)}>
      <Button {...button} disabled />
    </Tooltip>
  );
}
