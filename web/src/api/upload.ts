import { ApiError, errorFrom, UNREACHABLE } from './errors';

/** What a transfer that was stopped rejects with. */
export const stopped = () => new DOMException('stopped', 'AbortError');

/** Sends a file, or a piece of one, as it is; `fetch` cannot tell how far it is. */
export function upload<T>(
  method: 'POST' | 'PATCH',
  path: string,
  file: Blob,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onerror = () => reject(new ApiError(0, { code: UNREACHABLE }));
    request.onabort = () => reject(stopped());
    request.onload = () => {
      if (request.status === 200) resolve(request.response as T);
      else reject(errorFrom(request.status, request.response));
    };
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
