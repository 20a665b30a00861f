import { describe, expect, it } from 'vitest';
import { type Attached, UploadQueue } from './queue';
import type { Sent } from './send';

interface Wire {
  file: Blob;
  progress: (sent: number) => void;
  finish: (sent: Sent) => void;
  fail: (error: unknown) => void;
  cancelled: boolean;
}

function site(deliver?: (target: string, attached: Attached) => Promise<void>) {
  const wires: Wire[] = [];
  const delivered: [string, string][] = [];
  let keys = 0;
  const queue = new UploadQueue(
    (file, progress) => {
      const wire = { file, progress, cancelled: false } as Wire;
      const done = new Promise<Sent>((resolve, reject) => {
        Object.assign(wire, { finish: resolve, fail: reject });
      });
      wires.push(wire);
      return {
        done,
        cancel: () => {
          wire.cancelled = true;
          wire.fail(new Error('aborted'));
        },
      };
    },
    deliver ??
      (async (target, { blob }) => {
        delivered.push([target, blob]);
      }),
    () => {
      keys += 1;
      return `k${keys}`;
    },
  );
  return { queue, wires, delivered };
}

const file = (name: string) => new File(['abc'], name);
const blob = (hash: string): Sent => ({ hash, size: 3, mime: 'image/jpeg' });
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
    wires[0]?.fail(new Error('cut'));
    await settled();
    expect(queue.all()[0]?.state).toBe('failed');
    expect(String(queue.all()[0]?.error)).toContain('cut');
    queue.retry('k1');
    wires[1]?.finish(blob('h1'));
    await settled();
    expect([delivered.length, queue.all().length]).toEqual([1, 0]);
  });

  it('that are through but not attached are not sent again', async () => {
    let tries = 0;
    const { queue, wires } = site(async () => {
      tries += 1;
      if (tries === 1) throw new Error('site down');
    });
    queue.add('record', [file('a.jpg')]);
    wires[0]?.finish(blob('h1'));
    await settled();
    expect(queue.all()[0]?.state).toBe('failed');
    queue.retry('k1');
    await settled();
    expect([wires.length, tries, queue.all().length]).toEqual([1, 2, 0]);
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
