import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/errors';
import type { Sent } from '@/api/model';
import { type Attached, UploadQueue } from './queue';

interface Wire {
  before: string | null;
  progress: (sent: number) => void;
  finish: (sent: Sent) => void;
  fail: (error: unknown) => void;
  cancelled: boolean;
}

function site(deliver?: (target: string, attached: Attached) => Promise<void>) {
  const wires: Wire[] = [];
  const delivered: [string, string][] = [];
  const waits: [number, () => void][] = [];
  const signedOut = vi.fn();
  let keys = 0;
  const queue = new UploadQueue({
    send: (_, before, tell) => {
      const upload = before ?? `u${wires.length + 1}`;
      const progress = (sent: number) => tell({ upload, sent });
      const wire = { before, progress, cancelled: false } as Wire;
      const done = new Promise<Sent>((resolve, reject) => {
        Object.assign(wire, { finish: resolve, fail: reject });
      });
      wires.push(wire);
      const cancel = () => {
        wire.cancelled = true;
        wire.fail(new Error('aborted'));
      };
      return { done, cancel };
    },
    deliver:
      deliver ??
      (async (target, { blob }) => {
        delivered.push([target, blob]);
      }),
    newKey: () => {
      keys += 1;
      return `k${keys}`;
    },
    later: (ms, run) => void waits.push([ms, run]),
    signedOut,
  });
  return { queue, wires, delivered, waits, signedOut };
}

const file = (name: string) => new File(['abc'], name);
const blob = (hash: string): Sent => ({ hash, size: 3, mime: 'image/jpeg' });
const unreachable = () => new ApiError(0, { code: 'unreachable' });
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('uploads', () => {
  it('go two at a time and reach their draft', async () => {
    const { queue, wires, delivered } = site();
    queue.add('draft', [file('a.jpg'), file('b.jpg'), file('c.jpg')]);
    expect(queue.all().map(({ state }) => state)).toEqual(['sending', 'sending', 'waiting']);
    wires[0]?.progress(2);
    expect(queue.all()[0]?.sent).toBe(2);
    wires[0]?.finish(blob('h1'));
    await settled();
    expect(delivered).toEqual([['draft', 'h1']]);
    expect(queue.all().map(({ name, state }) => [name, state])).toEqual([
      ['b.jpg', 'sending'],
      ['c.jpg', 'sending'],
    ]);
  });

  it('follow the draft into the record it became', async () => {
    const { queue, wires, delivered } = site();
    queue.add('draft', [file('a.jpg')]);
    queue.retarget('draft', 'record');
    wires[0]?.finish(blob('h1'));
    await settled();
    expect(delivered).toEqual([['record', 'h1']]);
  });

  it('that are cancelled stop and leave no error', async () => {
    const { queue, wires, delivered } = site();
    queue.add('draft', [file('a.jpg')]);
    queue.cancel('k1');
    await settled();
    expect([wires[0]?.cancelled, queue.all(), delivered]).toEqual([true, [], []]);
  });

  it('that fail say why and can be tried again', async () => {
    const { queue, wires, delivered } = site();
    queue.add('draft', [file('a.jpg')]);
    wires[0]?.fail(new ApiError(415, { code: 'unsupported_type' }));
    await settled();
    expect(queue.all()[0]?.state).toBe('failed');
    expect(queue.all()[0]?.error).toHaveProperty('code', 'unsupported_type');
    queue.retry('k1');
    wires[1]?.finish(blob('h1'));
    await settled();
    expect([delivered.length, queue.all().length]).toEqual([1, 0]);
  });

  it('that are through but not attached are not sent again', async () => {
    let tries = 0;
    const { queue, wires } = site(async () => {
      tries += 1;
      if (tries === 1) throw new ApiError(409, { code: 'conflict_state' });
    });
    queue.add('record', [file('a.jpg')]);
    wires[0]?.finish(blob('h1'));
    await settled();
    expect(queue.all()[0]?.state).toBe('failed');
    queue.retry('k1');
    await settled();
    expect([wires.length, tries, queue.all().length]).toEqual([1, 2, 0]);
  });

  it('whose line breaks wait ever longer and go on where they stopped', async () => {
    const { queue, wires, waits, delivered } = site();
    queue.add('draft', [file('a.mp4')]);
    wires[0]?.progress(2);
    wires[0]?.fail(unreachable());
    await settled();
    expect(queue.all().map(({ state, sent }) => [state, sent])).toEqual([['paused', 2]]);
    waits[0]?.[1]();
    expect(wires[1]?.before).toBe('u1');
    wires[1]?.fail(unreachable());
    await settled();
    expect(waits.map(([ms]) => ms)).toEqual([1_000, 2_000]);
    // The browser says that it is online again.
    queue.resume();
    wires[2]?.finish(blob('h1'));
    await settled();
    expect(delivered).toEqual([['draft', 'h1']]);
    waits[1]?.[1]();
    expect(wires.length).toBe(3);
  });

  it('of an ended session ask to sign in, and go on after that', async () => {
    const { queue, wires, signedOut, delivered } = site();
    queue.add('draft', [file('a.mp4')]);
    wires[0]?.progress(1);
    wires[0]?.fail(new ApiError(401, { code: 'not_signed_in' }));
    await settled();
    expect([queue.all()[0]?.state, signedOut.mock.calls.length]).toEqual(['signedOut', 1]);
    queue.resume();
    expect(wires[1]?.before).toBe('u1');
    wires[1]?.finish(blob('h1'));
    await settled();
    expect(delivered).toEqual([['draft', 'h1']]);
  });

  it('that are too long are never begun', () => {
    const { queue, wires } = site();
    queue.add('draft', [file('a.mp4')], () => 'too long');
    expect([queue.all()[0]?.state, queue.all()[0]?.error, wires.length]).toEqual([
      'failed',
      'too long',
      0,
    ]);
  });
});
