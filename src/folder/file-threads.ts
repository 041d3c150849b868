import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { giveSlab, slabSize, takeSlab } from '../io/slabs.js';
import type { BatchAnswer, FileCommand } from './file-worker.js';
import type { FileWriters } from './file-writers.js';

interface Thread {
  readonly worker: Worker;
  readonly tell: ((sha256: string) => void)[];
  bytes: Buffer;
  size: number;
  commands: FileCommand[];
  /** Batches on their way. */
  sent: number;
}

const mostThreads = 4;
/** Milliseconds of waiting that are worth another thread: what it takes of a processor to start one. */
const worthThread = 30;
/** Batches that may wait for one thread. */
const depth = 4;

export interface FileThreads extends FileWriters {
  /** Whether one of them has begun to work. */
  readonly running: boolean;
}

/**
 * Files that are written side by side, each by one thread. One keeps up with whoever inflates, and others are started
 * when it does not: an ext4 looks at each inode that was freed in the last seconds before it takes another, 600 us
 * for each file behind the removal of a large folder, and two processors do that in half the time (measured, Linux
 * 6.18).
 */
export function createFileThreads(): FileThreads {
  const most = Math.min(availableParallelism(), mostThreads);
  let failure: Error | undefined;
  let running = false;
  let wake: () => void = () => {};
  const threads: Thread[] = [];
  let waited = 0;
  startAnother();
  let present: Thread | undefined;

  function fail(cause: Error): void {
    failure ??= cause;
    wake();
  }

  function startAnother(): void {
    const worker = new Worker(new URL('./file-worker.js', import.meta.url));
    const thread: Thread = { worker, tell: [], bytes: takeSlab(), size: 0, commands: [], sent: 0 };
    worker.on('online', () => {
      running = true;
    });
    worker.on('error', (cause) => fail(cause as Error));
    worker.on('exit', (code) => fail(new Error(`a writing thread ended with ${code}`)));
    worker.on('message', (answer: BatchAnswer) => {
      if ('failed' in answer) return fail(new Error(answer.failed));
      thread.sent -= 1;
      giveSlab(answer.buffer);
      for (const sha256 of answer.digests) thread.tell.shift()?.(sha256);
      wake();
    });
    threads.push(thread);
  }

  function send(thread: Thread): void {
    const { worker, bytes, commands } = thread;
    if (commands.length === 0 || failure !== undefined) return;
    Object.assign(thread, { bytes: takeSlab(), size: 0, commands: [], sent: thread.sent + 1 });
    worker.postMessage({ bytes, commands }, [bytes.buffer as ArrayBuffer]);
  }

  async function makeRoom(): Promise<void> {
    const start = performance.now();
    await wait(isFull);
    waited += performance.now() - start;
    if (failure !== undefined || waited < worthThread || threads.length === most) return;
    waited = 0;
    startAnother();
  }

  const isFull = () => failure === undefined && threads.every(({ sent }) => sent >= depth);
  const isBusy = () => failure === undefined && threads.some(({ sent }) => sent > 0);

  async function wait(lasts: () => boolean): Promise<void> {
    while (lasts()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    get running() {
      return running;
    },
    begin(at) {
      present = threads.reduce((best, thread) => (loadOf(thread) < loadOf(best) ? thread : best));
      present.commands.push({ open: Uint8Array.from(at) });
    },
    data(bytes) {
      if (present === undefined || failure !== undefined) return;
      for (let done = 0; done < bytes.length; ) {
        const start = present.size;
        const end = Math.min(slabSize, start + bytes.length - done);
        present.bytes.set(bytes.subarray(done, done + end - start), start);
        present.commands.push({ start, end });
        present.size = end;
        done += end - start;
        if (end === slabSize) send(present);
      }
    },
    end(metadata, tell) {
      present?.commands.push({ close: metadata });
      present?.tell.push(tell);
      present = undefined;
    },
    room: () => (isFull() ? makeRoom() : undefined),
    async finish() {
      for (const thread of threads) send(thread);
      await wait(isBusy);
      if (failure !== undefined) throw failure;
    },
    async [Symbol.asyncDispose]() {
      fail(new Error('the threads were ended'));
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function loadOf({ sent, size }: Thread): number {
  return sent * slabSize + size;
}
