import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { giveSlab, slabSize, takeSlab } from '../io/file/slabs.js';
import { threadOptions } from '../io/thread-options.js';
import type { BatchAnswer, FileCommand } from './file-worker.js';
import { createHashedFile, type HashedFile } from './hashed-file.js';
import type { Metadata } from './write-entry.js';

/** Writes new regular files with `plainAttributes`, one after the other, and hashes them. */
export interface FileWriters extends AsyncDisposable {
  /** The file's body and its `end` come before the next `begin`. May throw what `finish` would reject with. */
  begin(at: Uint8Array): void;
  /** The bytes are needed during the call only. */
  data(bytes: Uint8Array): void;
  /** `onWritten` gets the hex SHA-256 of the body when it is written; it is not called after a failure. */
  end(metadata: Metadata, onWritten: (sha256: string) => void): void;
  /** Awaited between files, which bounds the memory; undefined while there is room for more. */
  room(): Promise<void> | undefined;
  /** Rejects when a file could not be written. */
  finish(): Promise<void>;
}

export interface FileThreads extends FileWriters {
  /** Whether one of them runs. */
  readonly running: boolean;
}

/** Work that is done here before a thread is started, which takes 30 ms of a processor: bytes, and a share for each file. */
const worthThread = 1024 * 1024;
const shareOfFile = 16 * 1024;

const mostThreads = 4;
/** Milliseconds of waiting that are worth another thread: what it takes of a processor to start one. */
const worthAnother = 30;
/** Batches that may wait for one thread. */
const depth = 4;

/** In other threads, where there is a second processor, as soon as the first of them runs; until then in this one. */
export function createFileWriters(): FileWriters {
  const isAlone = availableParallelism() < 2;
  let threads: FileThreads | undefined;
  let file: HashedFile | undefined;
  let work = 0;

  return {
    begin(at) {
      work += shareOfFile;
      if (work > worthThread && !isAlone) threads ??= createFileThreads();
      if (threads?.running) threads.begin(at);
      else file = createHashedFile(at);
    },
    data(bytes) {
      work += bytes.length;
      if (file === undefined) threads?.data(bytes);
      else file.write(bytes);
    },
    end(metadata, onWritten) {
      if (file === undefined) threads?.end(metadata, onWritten);
      else onWritten(file.finish(metadata));
      file = undefined;
    },
    room: () => threads?.room(),
    finish: async () => threads?.finish(),
    async [Symbol.asyncDispose]() {
      file?.close();
      file = undefined;
      await threads?.[Symbol.asyncDispose]();
    },
  };
}

interface Thread {
  readonly worker: Worker;
  /** Of the files under way, in order. */
  readonly onWritten: ((sha256: string) => void)[];
  bytes: Buffer;
  size: number;
  commands: FileCommand[];
  /** Batches without an answer yet. */
  sent: number;
}

/**
 * Files are written side by side, each by one thread. One thread keeps up with the inflater, and others are started
 * when it does not: ext4 looks at each inode that was freed in the last seconds before it takes another, 600 us
 * for each file behind the removal of a large folder, and two processors do that in half the time (measured, Linux
 * 6.18).
 * @internal
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
    const worker = new Worker(new URL('./file-worker.js', import.meta.url), threadOptions);
    const thread: Thread = { worker, onWritten: [], bytes: takeSlab(), size: 0, commands: [], sent: 0 };
    worker.on('online', () => {
      running = true;
    });
    worker.on('error', (cause) => fail(cause as Error));
    worker.on('exit', (code) => fail(new Error(`a writing thread ended with ${code}`)));
    worker.on('message', (answer: BatchAnswer) => {
      if ('failed' in answer) return fail(new Error(answer.failed));
      thread.sent -= 1;
      giveSlab(answer.buffer);
      for (const sha256 of answer.digests) thread.onWritten.shift()?.(sha256);
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
    await waitWhile(isFull);
    waited += performance.now() - start;
    if (failure !== undefined || waited < worthAnother || threads.length === most) return;
    waited = 0;
    startAnother();
  }

  const isFull = () => failure === undefined && threads.every(({ sent }) => sent >= depth);
  const isBusy = () => failure === undefined && threads.some(({ sent }) => sent > 0);

  async function waitWhile(lasts: () => boolean): Promise<void> {
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
    end(metadata, onWritten) {
      present?.commands.push({ close: metadata });
      present?.onWritten.push(onWritten);
      present = undefined;
    },
    room: () => (isFull() ? makeRoom() : undefined),
    async finish() {
      for (const thread of threads) send(thread);
      await waitWhile(isBusy);
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
