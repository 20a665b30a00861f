import { asApiError, UNREACHABLE } from '@/api/errors';
import type { Sent } from '@/api/model';
import type { Progress, Sending } from './send';

/** A file that is on its way into a draft or a record. */
export interface Upload {
  key: string;
  /** The draft or the record it belongs to. */
  target: string;
  name: string;
  size: number;
  sent: number;
  /** `paused` goes on by itself, `signedOut` once the person has signed in again. */
  state: 'waiting' | 'sending' | 'attaching' | 'paused' | 'signedOut' | 'failed';
  error: unknown;
}

interface Task extends Upload {
  file: File | null;
  /** Known once it is uploaded: trying again does not send it again. */
  blob: Sent | null;
  sending: Sending | null;
  /** What the site calls the part it has. */
  upload: string | null;
  /** How often in a row the line broke without anything having come through. */
  breaks: number;
}

export interface Attached {
  name: string;
  blob: string;
  size: number;
  mime: string;
}

/** What a queue is given: the site, the pages, and time. */
export interface World {
  send: (file: Blob, upload: string | null, tell: (progress: Progress) => void) => Sending;
  deliver: (target: string, attached: Attached, key: string) => Promise<void>;
  newKey: () => string;
  later: (ms: number, run: () => void) => void;
  signedOut: () => void;
}

const NEW = { sending: null, upload: null, breaks: 0 };
const AT_ONCE = 2;
const BREAKS_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;
const LONGEST_BREAK_MS = 15_000;

/** What passes by itself: the line, a proxy that starts again, too many uploads at once. */
const passes = (error: unknown) => {
  const { code, status } = asApiError(error);
  return code === UNREACHABLE || [502, 503, 504].includes(status);
};

/**
 * Uploads, two at a time, and hands each to its target. It lives beside the pages: one may leave
 * the form, and the words may be saved before their pictures are through. A broken line is waited
 * out; the file goes on where it stopped.
 */
export class UploadQueue {
  private tasks: Task[] = [];
  private shown: Upload[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  all = (): Upload[] => this.shown;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  add(target: string, files: readonly File[], tooLong: (file: File) => unknown = () => null) {
    for (const file of files) {
      const error = tooLong(file);
      this.tasks.push({
        ...{ key: this.world.newKey(), target, name: file.name, size: file.size, sent: 0, file },
        ...{ state: error ? 'failed' : 'waiting', error, blob: null, ...NEW },
      });
    }
    this.go();
  }

  /** Files that are uploaded already still have to reach this target. */
  adopt(target: string, files: readonly Attached[]) {
    for (const { name, size, blob, mime } of files) {
      this.tasks.push({
        ...{ key: this.world.newKey(), target, name, size, sent: size, file: null },
        ...{ state: 'waiting', error: null, blob: { hash: blob, size, mime }, ...NEW },
      });
    }
    this.go();
  }

  /** The draft has become a record: what is still coming goes there. */
  retarget(from: string, to: string) {
    for (const task of this.tasks) if (task.target === from) task.target = to;
    this.tell();
  }

  cancel(key: string) {
    const task = this.tasks.find((one) => one.key === key);
    this.tasks = this.tasks.filter((one) => one !== task);
    task?.sending?.cancel();
    this.go();
  }

  drop(target: string) {
    for (const { key } of this.tasks.filter((task) => task.target === target)) this.cancel(key);
  }

  retry(key: string) {
    const task = this.tasks.find((one) => one.key === key);
    if (task?.state !== 'failed' && task?.state !== 'paused') return;
    Object.assign(task, { state: 'waiting', error: null });
    this.go();
  }

  /** Whatever waited for the line or for the person goes on. */
  resume = () => {
    for (const task of this.tasks) {
      if (task.state === 'paused' || task.state === 'signedOut') task.state = 'waiting';
    }
    this.go();
  };

  private go() {
    const busy = this.tasks.filter(({ state }) => state === 'sending' || state === 'attaching');
    const waiting = this.tasks.filter(({ state }) => state === 'waiting');
    for (const task of waiting.slice(0, AT_ONCE - busy.length)) void this.run(task);
    this.tell();
  }

  private async run(task: Task) {
    try {
      if (!task.blob && task.file) {
        task.state = 'sending';
        task.sending = this.world.send(task.file, task.upload, ({ upload, sent }) => {
          if (sent > task.sent) task.breaks = 0;
          Object.assign(task, { upload, sent });
          this.tell();
        });
        task.blob = await task.sending.done;
      }
      if (!this.tasks.includes(task) || !task.blob) return;
      task.state = 'attaching';
      this.tell();
      const { hash, size, mime } = task.blob;
      await this.world.deliver(task.target, { name: task.name, blob: hash, size, mime }, task.key);
      this.tasks = this.tasks.filter((one) => one !== task);
      task.breaks = 0;
    } catch (error) {
      this.broke(task, error);
    }
    this.go();
  }

  private broke(task: Task, error: unknown) {
    if (!this.tasks.includes(task)) return;
    if (asApiError(error).status === 401) {
      task.state = 'signedOut';
      this.world.signedOut();
    } else if (passes(error)) {
      task.state = 'paused';
      const wait = BREAKS_MS[task.breaks] ?? LONGEST_BREAK_MS;
      task.breaks += 1;
      this.world.later(wait, () => {
        if (task.state === 'paused') this.retry(task.key);
      });
    } else {
      Object.assign(task, { state: 'failed', error });
    }
  }

  private tell() {
    this.shown = this.tasks.map(({ key, target, name, size, sent, state, error }) => ({
      ...{ key, target, name, size, sent, state, error },
    }));
    for (const listener of this.listeners) listener();
  }
}
