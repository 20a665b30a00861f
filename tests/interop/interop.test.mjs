// Our exported records in Automerge's own JavaScript library: the same values, Chinese text and
// all, and what is edited there is refused by our gate (tests/tests/all/interop.rs, which also
// keeps the files here equal to what our writer makes).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as Automerge from '@automerge/automerge';

const file = (name) => readFile(new URL(name, import.meta.url));
const exported = async () => Automerge.load(new Uint8Array(await file('log_item.automerge')));
const expected = JSON.parse(await file('log_item.json'));

/** A value as our own JSON shows it: bytes are hex. */
function shown(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Automerge.ImmutableString) return value.val;
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shown(inner)]));
}

test('an exported record reads the same in JavaScript', async () => {
  assert.deepEqual(shown(await exported()), expected.record);
});

test('values that sites wrote at once are all there', async () => {
  const rivals = Automerge.getConflicts(await exported(), 'finished');
  assert.deepEqual(Object.values(rivals).map(shown).sort(), expected.finished);
});

test('its history can be walked, and saving it changes no byte', async () => {
  const record = await exported();
  assert.equal(Automerge.getHistory(record).length, expected.changes);
  const saved = Automerge.save(record);
  assert.deepEqual(Buffer.from(saved), await file('log_item.automerge'));
});

test('an edit made in JavaScript is the one our gate refuses', async () => {
  const edited = Automerge.change(
    Automerge.clone(await exported(), { actor: 'aa'.repeat(16) }),
    { time: 0 },
    (record) => {
      record.place = new Automerge.ImmutableString('二号楼');
    },
  );
  const change = Automerge.getLastLocalChange(edited);
  assert.deepEqual(Buffer.from(change), await file('javascript.change'));
});
