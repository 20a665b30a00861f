import type { KeyboardEvent } from 'react';

/** An input method is choosing characters: Enter belongs to it. 229 is what old Chromium reports. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}

/** Ctrl+Enter (⌘ on a Mac) saves; plain Enter never does. */
export function isSaveKey(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !isComposing(event);
}
