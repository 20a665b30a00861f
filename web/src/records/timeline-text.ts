import type { TFunction } from 'i18next';
import type { TimelineItem } from '@/api/model';

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

function change(t: TFunction, what: 'state' | 'level', to: string, from: string | undefined) {
  const word = (value: string) => t(`choices.${what}.${value}`);
  return from
    ? t(`timeline.${what}FromTo`, { from: word(from), to: word(to) })
    : t(`timeline.${what}To`, { to: word(to) });
}

/** One entry of a timeline in words: its own text, and what it changed. */
export function timelineText(item: TimelineItem, t: TFunction): string {
  const data = item.data ?? {};
  const parts: string[] = [];
  const [state, level] = [text(data.state), text(data.level)];
  if (item.type === 'state') {
    if (state) parts.push(change(t, 'state', state, text(data.from)));
    if (level) parts.push(change(t, 'level', level, text(data.from)));
    const reason = text(data.reason);
    if (reason) parts.push(t('timeline.reason', { reason }));
  }
  const said = text(item.text);
  if (item.type === 'amendment') {
    const kind = text(data.type);
    parts.push(kind ? t(`choices.type.${kind}`) : t('timeline.amendment'));
  } else if (item.type !== 'progress' && parts.length === 0) {
    parts.push(t(`timeline.${item.type}`));
  }
  if (said && !parts.includes(said)) parts.push(said);
  return parts.join(item.type === 'state' ? '；' : '：');
}
