import type { Bytes } from '../model/image/entry.js';

/**
 * A stream that rejects with the signal's reason as soon as it is aborted, even while its source gives no piece. The
 * source is told to end, but not awaited then: it may hang.
 */
export async function* abortable(source: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  // One promise for each piece: a race against one long-lived promise would keep every piece in memory until the end.
  let refuse: (reason: unknown) => void = () => {};
  const onAbort = () => refuse(signal.reason);
  const next = () =>
    new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      refuse = reject;
      pieces.next().then(resolve, reject);
    });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const piece = await next();
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const ending = pieces.return?.();
    if (signal.aborted) ending?.catch(() => {});
    else await ending;
  }
}
