import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { giveSlab } from '../io/slabs.js';
import type { DeflateAnswer, DeflateRequest } from './deflate-worker.js';

export interface DeflatePool extends AsyncDisposable {
  /** How many runs may be under way or waiting at once: more would only fill memory. */
  readonly depth: number;
  /**
   * Compresses in a thread of its own; the same bytes for the same input and level on every machine. The
   * buffer goes to the thread: nobody else may need it.
   */
  deflate(bytes: Uint8Array, level: number): Promise<DeflateAnswer>;
}

const mostThreads = 8;

/** Threads that compress; each is started when it is first needed. */
export function createDeflatePool(): DeflatePool {
  const threads = Math.min(availableParallelism(), mostThreads);
  const limit = pLimit(threads);
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const ending = new AbortController();

  function start(): Worker {
    const worker = new Worker(new URL('./deflate-worker.js', import.meta.url));
    all.push(worker);
    return worker;
  }

  return {
    depth: 2 * threads,
    deflate: (bytes, level) =>
      limit(async () => {
        // One that had its turn when all ended starts a moment later.
        ending.signal.throwIfAborted();
        const worker = idle.pop() ?? start();
        const answer = await ask(worker, { bytes, level });
        idle.push(worker);
        giveSlab(answer.request);
        return answer;
      }),
    async [Symbol.asyncDispose]() {
      limit.clearQueue();
      ending.abort();
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
}

/** One request at a time: the next message of the thread is its answer. */
function ask(worker: Worker, request: DeflateRequest): Promise<DeflateAnswer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: DeflateAnswer) => {
      settle();
      resolve(answer);
    };
    const onFailure = (cause: unknown) => {
      settle();
      reject(cause instanceof Error ? cause : new Error(`a compression thread ended with ${cause}`));
    };
    const settle = () => {
      worker.off('message', onMessage).off('error', onFailure).off('exit', onFailure);
    };
    worker.on('message', onMessage).on('error', onFailure).on('exit', onFailure);
    // A copy of every run costs more than it seems: the collector comes for the bytes, not for the objects.
    worker.postMessage(request, [request.bytes.buffer as ArrayBuffer]);
  });
}
