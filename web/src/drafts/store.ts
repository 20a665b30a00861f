import type { Fields } from '@/api/model';
import type { Attached } from '@/attachments/queue';

export interface Draft {
  id: string;
  kind: string;
  fields: Fields;
  /** Files the site has already. */
  attachments?: readonly Attached[];
  /** Idempotency key of the next try to submit. */
  actionId: string;
  /** The fields as last sent with `actionId`, in JSON; null before the first try. */
  sent: string | null;
  savedAt: number;
}

/** Drafts of one person at one site, in the browser's own storage. */
export class DraftStore {
  private drafts: Draft[];
  private readonly listeners = new Set<() => void>();
  private readonly storage: Storage;
  private readonly key: string;
  /** The browser refused to keep a draft: the page must say so. */
  failed = false;

  constructor(storage: Storage, owner: string) {
    this.storage = storage;
    this.key = `dutyroom.drafts.${owner}`;
    this.drafts = this.read();
  }

  private read(): Draft[] {
    try {
      const parsed: unknown = JSON.parse(this.storage.getItem(this.key) ?? '[]');
      return Array.isArray(parsed) ? (parsed as Draft[]).filter((d) => d?.id && d.fields) : [];
    } catch {
      return [];
    }
  }

  all = (): Draft[] => this.drafts;

  put(draft: Draft) {
    const known = this.drafts.some(({ id }) => id === draft.id);
    this.write(
      known ? this.drafts.map((d) => (d.id === draft.id ? draft : d)) : [...this.drafts, draft],
    );
  }

  drop(id: string) {
    this.write(this.drafts.filter((draft) => draft.id !== id));
  }

  /** Puts a file to a draft; false if there is no such draft any more. */
  attach(id: string, file: Attached): boolean {
    const draft = this.drafts.find((one) => one.id === id);
    if (!draft) return false;
    const others = (draft.attachments ?? []).filter(({ blob }) => blob !== file.blob);
    this.put({ ...draft, attachments: [...others, file] });
    return true;
  }

  private write(drafts: Draft[]) {
    this.drafts = drafts;
    try {
      this.storage.setItem(this.key, JSON.stringify(drafts));
      this.failed = false;
    } catch {
      this.failed = true;
    }
    for (const tell of this.listeners) tell();
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/**
 * Readies a draft for sending. The same words go with the same key, so a lost answer makes no
 * second record; words changed since the last try get a new key, or the site would answer with
 * the old record and the change would be lost.
 */
export function forSending(draft: Draft, newId: () => string): Draft {
  const { fields, attachments } = draft;
  const sent = JSON.stringify(attachments?.length ? [fields, attachments] : fields);
  const actionId = draft.sent === null || draft.sent === sent ? draft.actionId : newId();
  return { ...draft, actionId, sent };
}

const stores = new Map<string, DraftStore>();

/** The one store of a person's drafts at a site. */
export function draftStore(owner: string): DraftStore {
  const known = stores.get(owner);
  if (known) return known;
  const made = new DraftStore(localStorage, owner);
  stores.set(owner, made);
  return made;
}
