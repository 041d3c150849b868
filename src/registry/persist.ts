import { setTimeout as delay } from 'node:timers/promises';
import { createInterruptedError } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import { createRefusal, createUnreachableError } from './errors.js';
import type { Reference } from './reference.js';

const attempts = 4;
/** Milliseconds before the second attempt; each further one waits four times as long. */
const firstPause = 200;
/** Milliseconds: a server that wants a longer pause has its answer reported. */
const longestPause = 30_000;

export interface PersistOptions {
  readonly reference: Reference;
  /** What is asked for, for messages: `the manifest`. */
  readonly what: string;
  /** Statuses that are an answer, besides those from 200 to 299. */
  readonly accept?: readonly number[] | undefined;
  readonly signal: AbortSignal;
}

/** Asks again, four times in all, where the network or an overloaded server lost the question. Errors: `registry-*`. */
export async function persist(
  ask: () => Promise<Response>,
  { reference, what, accept = [], signal }: PersistOptions,
): Promise<Response> {
  for (let count = 1; ; count++) {
    const response = await ask().catch((error: unknown) => {
      if (signal.aborted) throw createInterruptedError(signal);
      if (error instanceof MobyPatchError) throw error;
      if (count === attempts || !isPassing(error)) throw createUnreachableError(reference, what, error);
      return undefined;
    });
    if (response !== undefined && (response.ok || accept.includes(response.status))) return response;
    const pause = choosePause(response, count);
    await response?.body?.cancel();
    if (response !== undefined && (pause === undefined || count === attempts))
      throw createRefusal(reference, what, response.status);
    await delay(pause, undefined, { signal }).catch(() => {
      throw createInterruptedError(signal);
    });
  }
}

/** What a network loses now and then; a name that is not known, or a certificate, stays as it is. */
const passing =
  /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT))$/;

function isPassing(error: unknown): boolean {
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: unknown } };
  return name === 'TimeoutError' || passing.test(String(cause?.code));
}

/** Milliseconds until the next attempt; undefined: the answer will stay the same. */
function choosePause(response: Response | undefined, count: number): number | undefined {
  const usual = firstPause * 4 ** (count - 1);
  if (response === undefined) return usual;
  if (response.status !== 429 && response.status < 500) return undefined;
  const wanted = Number(response.headers.get('retry-after') ?? 0) * 1000;
  const pause = Number.isFinite(wanted) ? Math.max(usual, wanted) : usual;
  return pause > longestPause ? undefined : pause;
}
