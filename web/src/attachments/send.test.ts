import { describe, expect, it } from 'vitest';
import { ApiError } from '@/api/errors';
import type { UploadState } from '@/api/model';
import { type Site, sendTo } from './send';

const MIB = 1024 * 1024;
const whole = { hash: 'h', size: 9 * MIB, mime: 'video/mp4' };

/** A site that takes pieces, and breaks the line after those told. */
function site(breaks: Record<number, ApiError> = {}) {
  const asked: string[] = [];
  const files = new Map<string, number>();
  let pieces = 0;
  const state = (id: string): UploadState => {
    const offset = files.get(id);
    if (offset === undefined) throw new ApiError(404, { code: 'not_found' });
    return { id, offset, size: whole.size, blob: offset === whole.size ? whole : null };
  };
  const api: Site = {
    beginUpload: async () => {
      const id = `u${files.size + 1}`;
      asked.push(`begin ${id}`);
      files.set(id, 0);
      return state(id);
    },
    uploadState: async (id) => {
      asked.push(`ask ${id}`);
      return state(id);
    },
    sendPiece: async ({ id, offset }, piece, progress) => {
      pieces += 1;
      asked.push(`send ${offset / MIB}+${piece.size / MIB}`);
      if (files.get(id) !== offset) throw new ApiError(409, { code: 'conflict_state' });
      const broken = breaks[pieces];
      files.set(id, offset + (broken ? MIB : piece.size));
      if (broken) throw broken;
      progress(piece.size);
      return state(id);
    },
    cancelUpload: async (id) => {
      asked.push(`cancel ${id}`);
      return undefined;
    },
  };
  return { api, asked, files };
}

const film = new Blob([new Uint8Array(whole.size)]);
const told: number[] = [];
const tell = ({ sent }: { sent: number }) => void told.push(sent / MIB);
const line = () => new ApiError(0, { code: 'unreachable' });

describe('a file', () => {
  it('goes in pieces and tells how far it is', async () => {
    const { api, asked } = site();
    told.length = 0;
    expect(await sendTo(api, film, null, tell).done).toEqual(whole);
    expect(asked).toEqual(['begin u1', 'send 0+4', 'send 4+4', 'send 8+1']);
    expect(told).toEqual([0, 4, 4, 8, 8, 9]);
  });

  it('goes on where the site has it after the line broke', async () => {
    const { api, asked } = site({ 2: line() });
    const broken = sendTo(api, film, null, tell);
    await expect(broken.done).rejects.toHaveProperty('code', 'unreachable');
    asked.length = 0;
    expect(await sendTo(api, film, 'u1', tell).done).toEqual(whole);
    expect(asked).toEqual(['ask u1', 'send 5+4']);
  });

  it('asks how far it is when the site has more than it was told', async () => {
    const { api, asked, files } = site();
    const sending = sendTo(api, film, null, tell);
    files.set('u1', 6 * MIB);
    expect(await sending.done).toEqual(whole);
    expect(asked).toEqual(['begin u1', 'send 0+4', 'ask u1', 'send 6+3']);
  });

  it('begins anew where the site has forgotten it', async () => {
    const { api, asked } = site();
    expect(await sendTo(api, film, 'old', tell).done).toEqual(whole);
    expect(asked.slice(0, 2)).toEqual(['ask old', 'begin u1']);
  });

  it('that is cancelled is forgotten at the site too', async () => {
    const { api, asked } = site({ 1: line() });
    const sending = sendTo(api, film, null, tell);
    await expect(sending.done).rejects.toBeInstanceOf(ApiError);
    sending.cancel();
    expect(asked.at(-1)).toBe('cancel u1');
  });
});
