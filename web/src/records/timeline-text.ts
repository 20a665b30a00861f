import type { TFunction } from 'i18next';
import type { TimelineItem } from '@/api/model';

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** One entry of a timeline in words: what it is, what it changed, what was said. */
export function timelineText(item: TimelineItem, t: TFunction): string {
  const data = item.data ?? {};
  const said = text(item.text);
  const [state, level, amendment] = [text(data.state), text(data.level), text(data.type)];
  const head = () => {
    if (item.type === 'progress') return undefined;
    if (item.type === 'state' && state) {
      return t('timeline.stateTo', { to: t(`choices.state.${state}`) });
    }
    if (item.type === 'level' && level) {
      return t('timeline.levelTo', { to: t(`choices.level.${level}`) });
    }
    if (item.type === 'amendment' && amendment) return t(`choices.type.${amendment}`);
    return t(`timeline.${item.type}`);
  };
  return [head(), said].filter(Boolean).join('：');
}
