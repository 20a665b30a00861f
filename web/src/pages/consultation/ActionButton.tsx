import { Button, Tooltip } from 'antd';
import type { RecordAction } from '@/api/model';
import { useReasonText } from '@/i18n/useReasonText';

interface Props {
  action: RecordAction | undefined;
  text: string;
  loading: boolean;
  onClick?: () => void;
}

/** A button of the record: disabled with its reason rather than hidden. */
export function ActionButton({ action, text, loading, onClick }: Props) {
  const reasonText = useReasonText();
  const allowed = action?.allowed ?? false;
  const button = (
    <Button disabled={!allowed} loading={loading} onClick={onClick}>
      {text}
    </Button>
  );
  return allowed ? button : <Tooltip title={reasonText(action?.reason ?? null)}>{button}</Tooltip>;
}
