import { api } from '@/api/client';
import { ApiError } from '@/api/errors';
import type { Sent, UploadState } from '@/api/model';

/** Small enough that little is lost with a line, large enough that asking costs nothing. */
const PIECE = 4 * 1024 * 1024;

export interface Progress {
  /** Names what the site has of the file, to go on with it later. */
  upload: string;
  /** Bytes the site has or is getting. */
  sent: number;
}

export interface Sending {
  done: Promise<Sent>;
  cancel: () => void;
}

/** The part of the site's interface that takes files. */
export type Site = Pick<typeof api, 'beginUpload' | 'uploadState' | 'sendPiece' | 'cancelUpload'>;

const is = (error: unknown, status: number) => error instanceof ApiError && error.status === status;

/** What the site has of it; nothing any more after a day, or a restart of the site. */
async function known(site: Site, upload: string, signal: AbortSignal) {
  try {
    return await site.uploadState(upload, signal);
  } catch (error) {
    if (is(error, 404)) return null;
    throw error;
  }
}

/** Sends a file in pieces; `before` is what an earlier try that broke off was told. */
export function sendTo(
  site: Site,
  file: Blob,
  before: string | null,
  tell: (progress: Progress) => void,
): Sending {
  const stopper = new AbortController();
  const { signal } = stopper;
  let upload = before;
  const piece = async (state: UploadState) => {
    const { id, offset } = state;
    const part = file.slice(offset, offset + PIECE);
    const progress = (sent: number) => tell({ upload: id, sent: offset + sent });
    try {
      return await site.sendPiece(state, part, progress, signal);
    } catch (error) {
      if (!is(error, 409)) throw error;
      // The answer to an earlier piece was lost: it is further than we know.
      const now = await site.uploadState(id, signal);
      if (now.offset === offset) throw error;
      return now;
    }
  };
  const run = async () => {
    let state = upload === null ? null : await known(site, upload, signal);
    state ??= await site.beginUpload(file.size, signal);
    const { id } = state;
    upload = id;
    while (!state.blob) {
      tell({ upload: id, sent: state.offset });
      state = await piece(state);
    }
    return state.blob;
  };
  const cancel = () => {
    stopper.abort();
    if (upload !== null) site.cancelUpload(upload).catch(() => {});
  };
  return { done: run(), cancel };
}

/** Sends a file to this page's own site. */
export const send = (file: Blob, before: string | null, tell: (progress: Progress) => void) =>
  sendTo(api, file, before, tell);
