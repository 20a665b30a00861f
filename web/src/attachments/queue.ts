import type { Sending, Sent } from './send';

/** A file that is on its way into a draft or a record. */
export interface Upload {
  key: string;
  /** The draft or the record it belongs to. */
  target: string;
  name: string;
  size: number;
  sent: number;
  state: 'waiting' | 'sending' | 'attaching' | 'failed';
  error: unknown;
}

interface Task extends Upload {
  file: File | null;
  /** Known once it is uploaded: trying again does not send it again. */
  blob: Sent | null;
  sending: Sending | null;
}

export interface Attached {
  name: string;
  blob: string;
  size: number;
  mime: string;
}

type Send = (file: Blob, onProgress: (sent: number) => void) => Sending;
type Deliver = (target: string, attached: Attached, key: string) => Promise<void>;

const AT_ONCE = 2;

/**
 * Uploads, two at a time, and hands each to its target. It lives beside the pages: one may leave
 * the form, and the words may be saved before their pictures are through.
 */
export class UploadQueue {
  private tasks: Task[] = [];
  private shown: Upload[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly send: Send;
  private readonly deliver: Deliver;
  private readonly newKey: () => string;

  constructor(send: Send, deliver: Deliver, newKey: () => string) {
    this.send = send;
    this.deliver = deliver;
    this.newKey = newKey;
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
        ...{ key: this.newKey(), target, name: file.name, size: file.size, sent: 0, file },
        ...{ state: error ? 'failed' : 'waiting', error, blob: null, sending: null },
      });
    }
    this.go();
  }

  /** Files that are uploaded already still have to reach this target. */
  adopt(target: string, files: readonly Attached[]) {
    for (const { name, size, blob, mime } of files) {
      this.tasks.push({
        ...{ key: this.newKey(), target, name, size, sent: size, file: null },
        ...{ state: 'waiting', error: null, blob: { hash: blob, size, mime }, sending: null },
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
    if (task?.state !== 'failed') return;
    Object.assign(task, { state: 'waiting', error: null, sent: 0 });
    this.go();
  }

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
        task.sending = this.send(task.file, (sent) => {
          task.sent = sent;
          this.tell();
        });
        task.blob = await task.sending.done;
      }
      if (!this.tasks.includes(task) || !task.blob) return;
      task.state = 'attaching';
      this.tell();
      const { hash, size, mime } = task.blob;
      await this.deliver(task.target, { name: task.name, blob: hash, size, mime }, task.key);
      this.tasks = this.tasks.filter((one) => one !== task);
    } catch (error) {
      Object.assign(task, { state: 'failed', error });
    }
    this.go();
  }

  private tell() {
    this.shown = this.tasks.map(({ key, target, name, size, sent, state, error }) => ({
      ...{ key, target, name, size, sent, state, error },
    }));
    for (const listener of this.listeners) listener();
  }
}
