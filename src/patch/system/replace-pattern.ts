import { Worker } from 'node:worker_threads';
import { createInterruptedError } from '../../io/process/process.js';

export interface ReplaceRequest {
  readonly text: string;
  /** Of a regular expression that is valid with the flags `gmu`. */
  readonly pattern: string;
  readonly replacement: string;
}

export interface ReplacedText {
  readonly text: string;
  readonly count: number;
}

export interface ReplaceOptions {
  readonly signal: AbortSignal | undefined;
  /** Seconds of the processor's time. */
  readonly limit: number;
}

/** A busy machine gives a process little time: so often is a pattern given as much again. */
const mostRounds = 20;

/**
 * Replaces all matches in a thread of its own, which can be ended while a pattern backtracks, and leaves this one free.
 * Undefined: it took too long. Errors: `interrupted`, those of the replacement.
 */
export async function replacePattern(
  request: ReplaceRequest,
  { signal, limit }: ReplaceOptions,
): Promise<ReplacedText | undefined> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL('./replace-worker.js', import.meta.url), { workerData: request });
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ReplacedText | undefined>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      signal?.addEventListener('abort', () => reject(createInterruptedError(signal)), {
        signal: ending.signal,
      });
      const before = process.cpuUsage();
      let rounds = 0;
      const decide = () => {
        const { user, system } = process.cpuUsage(before);
        rounds += 1;
        if (user + system >= limit * 1e6 || rounds === mostRounds) resolve(undefined);
      };
      // Timers come before messages in the loop: where this thread was busy meanwhile, the answer may be waiting.
      timer = setInterval(() => setImmediate(decide), limit * 1000);
    });
  } finally {
    clearInterval(timer);
    ending.abort();
    await worker.terminate();
  }
}
