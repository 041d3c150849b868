import { createInterruptedError } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import { createAnswerError, createUnreachableError } from './errors.js';
import { createPace, describeTrickle } from './pace.js';
import type { Reference } from './reference.js';

/** Seconds without a byte. */
const silence = 60;

export interface SilenceOptions {
  /** What is asked for, for messages: `the manifest`. */
  readonly what: string;
  readonly reference: Reference;
  readonly signal: AbortSignal;
  /** Milliseconds; default: those of this process. */
  readonly now?: () => number;
}

/**
 * The body of an answer as it comes. Errors: `registry-unreachable` where it breaks off or nothing comes for a while; `registry-answer`
 * where it only trickles.
 */
export async function* watchSilence(
  response: Response,
  { what, reference, signal, now = () => performance.now() }: SilenceOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const isTrickle = createPace();
  try {
    for (;;) {
      const start = now();
      const { done, value } = await withLimit(reader.read(), signal);
      if (done) return;
      if (isTrickle(value.length, (now() - start) / 1000))
        throw createAnswerError(reference.text, describeTrickle(what));
      yield value;
    }
  } catch (cause) {
    if (cause instanceof MobyPatchError) throw cause;
    throw signal.aborted ? createInterruptedError(signal) : createUnreachableError(reference, what, cause);
  } finally {
    // Not awaited: a connection that is silent may stay so.
    reader.cancel().catch(() => {});
  }
}

/** Rejects when nothing came for a while, or when the signal says so. */
async function withLimit<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  let refuse: (reason: unknown) => void = () => {};
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  const onAbort = () => refuse(signal.reason);
  const timer = setTimeout(() => refuse(new DOMException('', 'TimeoutError')), silence * 1000);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([read, refused]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
