import { useTranslation } from 'react-i18next';
import { useSites } from './useSites';

const figure = new Intl.NumberFormat('en-US');

/** How far this site has proved what its lists show; nothing once it has proved it all. */
export function Verified({ bar = false }: { bar?: boolean }) {
  const { t } = useTranslation();
  const verified = useSites().self?.verified;
  if (!verified) return null;
  const { to, of } = verified;
  const words = t('net.verified', { to: figure.format(to), of: figure.format(of) });
  return (
    <span className="figures" title={t('record.provisionalHint')}>
      {words}
      {bar ? <progress value={to} max={of} aria-label={words} /> : null}
    </span>
  );
}
