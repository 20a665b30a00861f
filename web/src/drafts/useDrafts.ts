import { useCallback, useState, useSyncExternalStore } from 'react';
import { newActionId } from '@/api/action-id';
import type { Fields, FieldValue } from '@/api/model';
import type { KindSpec } from '@/kinds/spec';
import { useSession } from '@/shell/session';
import { useNow } from '@/time/useNow';
import { type Draft, draftStore } from './store';

function fresh(spec: KindSpec, fields: Fields = {}): Draft {
  const id = newActionId();
  return { id, kind: spec.kind, fields, actionId: id, sent: null, savedAt: 0 };
}

/** The drafts of one kind: those kept, and one not yet begun. */
export function useDrafts(spec: KindSpec) {
  const { user, site } = useSession();
  const store = draftStore(`${site.id}.${user.id}`);
  const all = useSyncExternalStore(store.subscribe, store.all);
  const kept = all.filter(({ kind }) => kind === spec.kind);
  const [blank, setBlank] = useState(() => fresh(spec));
  const [chosen, choose] = useState<string | null>(null);
  const now = useNow(15_000);
  const blankShown = kept.length === 0 || chosen === blank.id;
  const begun = kept.some(({ id }) => id === blank.id);
  // Its times follow the clock until the first word is typed.
  const unbegun = { ...blank, fields: { ...spec.initial(now), ...blank.fields } };
  const drafts = begun || !blankShown ? kept : [...kept, unbegun];
  const current = drafts.find(({ id }) => id === chosen) ?? (drafts[0] as Draft);

  const put = useCallback((draft: Draft) => store.put(draft), [store]);
  const change = useCallback(
    (draft: Draft, name: string, value: FieldValue) => {
      const fields: Fields = { ...draft.fields, [name]: value, ...spec.follow?.(name, value) };
      choose(draft.id);
      store.put({ ...draft, fields, savedAt: Date.now() });
    },
    [store, spec],
  );
  /** Keeps a draft before anything is typed in it, since a file is on its way to it. */
  const begin = useCallback(
    (draft: Draft) => {
      choose(draft.id);
      if (!store.all().some(({ id }) => id === draft.id)) {
        store.put({ ...draft, savedAt: Date.now() });
      }
    },
    [store],
  );
  const add = useCallback(
    (fields?: Fields) => {
      const draft = fresh(spec, fields);
      setBlank(draft);
      choose(draft.id);
    },
    [spec],
  );
  const drop = useCallback(
    (id: string) => {
      store.drop(id);
      const next = fresh(spec);
      setBlank(next);
      choose(null);
    },
    [store, spec],
  );
  const latest = useCallback((id: string) => store.all().find((draft) => draft.id === id), [store]);
  return { drafts, current, failed: store.failed, choose, change, put, begin, add, drop, latest };
}
