import { ApiError, type ErrorBody, errorFrom, UNREACHABLE } from '@/api/errors';

/** A file the site has, by the hash of its content. */
export interface Sent {
  hash: string;
  size: number;
  mime: string;
}

export interface Sending {
  done: Promise<Sent>;
  cancel: () => void;
}

/** Uploads one file. `fetch` tells no progress, hence the older way. */
export function send(file: Blob, onProgress: (sent: number) => void): Sending {
  const request = new XMLHttpRequest();
  const done = new Promise<Sent>((resolve, reject) => {
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status === 201) resolve(body as Sent);
      else reject(errorFrom(request.status, body));
    };
    const lost = () => reject(new ApiError(0, { code: UNREACHABLE } as ErrorBody));
    request.onerror = lost;
    request.ontimeout = lost;
    request.onabort = lost;
  });
  request.open('POST', '/api/v1/blobs');
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.send(file);
  return { done, cancel: () => request.abort() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
