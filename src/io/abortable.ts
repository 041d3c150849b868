import type { Bytes } from '../model/entry.js';

/**
 * A stream that ends with the signal's reason as soon as it is aborted, also while its next piece does not
 * come. The source is told to end, but then not waited for: it may be what hangs.
 */
export async function* abortable(source: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
  });
  aborted.catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      const next = await Promise.race([pieces.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const ending = pieces.return?.();
    if (signal.aborted) ending?.catch(() => {});
    else await ending;
  }
}
