import { ApiError, errorFrom, UNREACHABLE } from './errors';

/**
 * Reads an answer whose length nobody knows before its end. A plain link would save a broken-off
 * answer as if it were whole, and a refusal as a file.
 */
export async function download(
  path: string,
  progress: (received: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const answer = await reached(fetch(path, { signal }));
  if (!answer.ok) throw errorFrom(answer.status, await answer.json().catch(() => undefined));
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  for (;;) {
    const { done, value } = await reached(reader.read());
    if (done) return new Blob(pieces);
    pieces.push(value);
    received += value.length;
    progress(received);
  }
}

async function reached<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError(0, { code: UNREACHABLE, message: String(cause) });
  }
}

/** Hands what was read to the browser, which asks or knows where to save it. */
export function save(content: Blob, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken hold of the content by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href));
}
