import type { TFunction } from 'i18next';
import type { TimelineItem } from '@/api/model';

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** Names of cameras by id; empty for who may not see them. */
export type CameraNames = ReadonlyMap<string, string>;

/** One entry of a timeline in words: what it is, what it changed, what was said. */
export function timelineText(item: TimelineItem, t: TFunction, cameras: CameraNames): string {
  const data = item.data ?? {};
  const said = text(item.text) ?? cameras.get(text(data.camera) ?? '');
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
  return [head(), said].filter(Boolean).join(t('app.colon'));
}

/** Whom an entry is about; a leave that the site recorded itself is about the one who had joined. */
export function whoseEntry(item: TimelineItem, all: readonly TimelineItem[]): string {
  if (item.author.name) return item.author.name;
  const { participation } = item.data ?? {};
  const joined = all.find(
    (one) => one.type === 'joined' && one.data?.participation === participation,
  );
  return joined?.author.name ?? '';
}
