import { useTranslation } from 'react-i18next';
import type { Camera } from '@/api/model';
import media from '@/media/media.module.css';
import { NAMESPACE } from './texts';

/** A sign beside the word, so that the state does not hang on colour or reading alone. */
const GLYPHS: Record<Camera['state'], string> = {
  idle: '○',
  connecting: '◌',
  playing: '▶',
  retrying: '↻',
  refused: '⊘',
  unreachable: '✕',
};

/** The state of a camera as the site sees it, whoever watches. */
export function CameraChip({ state }: { state: Camera['state'] }) {
  const { t } = useTranslation(NAMESPACE);
  return (
    <span className={media.chip}>
      <span className={media.glyph} aria-hidden="true">
        {GLYPHS[state]}
      </span>
      {t(`state.${state}`)}
    </span>
  );
}
