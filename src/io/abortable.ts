import type { Bytes } from '../model/entry.js';

/**
 * A stream that ends with the signal's reason as soon as it is aborted, also while its next piece does not
 * come. The source is told to end, but then not waited for: it may be what hangs.
 */
export async function* abortable(source: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  // One promise for each piece: a race against one that lasts would hold every piece that won until the end.
  let refuse: (reason: unknown) => void = () => {};
  const onAbort = () => refuse(signal.reason);
  const take = () =>
    new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      refuse = reject;
      pieces.next().then(resolve, reject);
    });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await take();
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
