import { useEffect } from 'react';

/** Alt+M and Alt+V; plain letters belong to input methods. */
export function useShortcuts(enabled: boolean, onMic: () => void, onCamera: () => void): void {
  useEffect(() => {
    if (!enabled) {
      return;
    }
    const pressed = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey || event.isComposing || event.repeat) {
        return;
      }
      if (event.code === 'KeyM') {
        event.preventDefault();
        onMic();
      } else if (event.code === 'KeyV') {
        event.preventDefault();
        onCamera();
      }
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [enabled, onMic, onCamera]);
}
