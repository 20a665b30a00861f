import { describe, expect, it } from 'vitest';
import { type Draft, DraftStore, forSending } from './store';

const draft = (part: Partial<Draft> = {}): Draft => ({
  id: 'd1',
  kind: 'log_item',
  fields: { content: '5 号楼学生晕倒' },
  actionId: 'a1',
  sent: null,
  savedAt: 1,
  ...part,
});

describe('drafts', () => {
  it('survive a reload', () => {
    new DraftStore(localStorage, 'east.wang').put(draft());
    expect(new DraftStore(localStorage, 'east.wang').all()).toEqual([draft()]);
  });

  it('of one person are not another’s', () => {
    new DraftStore(localStorage, 'east.wang').put(draft());
    expect(new DraftStore(localStorage, 'east.li').all()).toEqual([]);
  });

  it('are replaced, kept beside each other, and dropped', () => {
    const store = new DraftStore(localStorage, 'east.wang');
    store.put(draft());
    store.put(draft({ fields: { content: '已联系校医' } }));
    store.put(draft({ id: 'd2' }));
    expect(store.all().map(({ id }) => id)).toEqual(['d1', 'd2']);
    expect(store.all()[0]?.fields.content).toBe('已联系校医');
    store.drop('d1');
    expect(new DraftStore(localStorage, 'east.wang').all().map(({ id }) => id)).toEqual(['d2']);
  });

  it('that cannot be stored stay on the page and say so', () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new Error('QuotaExceededError');
      },
    } as unknown as Storage;
    const store = new DraftStore(full, 'east.wang');
    let told = 0;
    store.subscribe(() => {
      told += 1;
    });
    store.put(draft());
    expect([store.failed, told, store.all().length]).toEqual([true, 1, 1]);
  });

  it('unreadable in storage are passed over', () => {
    localStorage.setItem('dutyroom.drafts.east.wang', '{broken');
    expect(new DraftStore(localStorage, 'east.wang').all()).toEqual([]);
  });
});

describe('sending a draft', () => {
  it('repeats the key while the words are the same', () => {
    const first = forSending(draft(), () => 'new');
    const second = forSending(first, () => 'new');
    expect([first.actionId, second.actionId]).toEqual(['a1', 'a1']);
  });

  it('takes a new key once the words changed, so that the change is not lost', () => {
    const first = forSending(draft(), () => 'new');
    const changed = { ...first, fields: { content: '救护车已到' } };
    expect(forSending(changed, () => 'new').actionId).toBe('new');
  });
});
