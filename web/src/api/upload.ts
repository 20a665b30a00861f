import { ApiError, errorFrom, UNREACHABLE } from './errors';

/** Sends a file as it is; `fetch` cannot tell how far it is. */
export function upload<T>(
  path: string,
  file: Blob,
  progress: (percent: number) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => {
      progress(Math.floor((loaded / Math.max(total, 1)) * 100));
    };
    request.onerror = () => reject(new ApiError(0, { code: UNREACHABLE }));
    request.onload = () => {
      if (request.status === 200) resolve(request.response as T);
      else reject(errorFrom(request.status, request.response));
    };
    request.send(file);
  });
}
