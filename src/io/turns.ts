import { setImmediate } from 'node:timers/promises';

/** Milliseconds for which nothing else gets a turn. */
const longestTurn = 20;

/**
 * Carries out work that has a `yield` every few thousand steps, and lets signals, timers and sockets in between: the
 * work of a large input takes longer than a signal may wait. Its errors, and the reason of the signal.
 */
export async function inTurns<T>(work: Generator<void, T, void>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const end = performance.now() + longestTurn;
    do {
      const next = work.next();
      if (next.done) return next.value;
    } while (performance.now() < end);
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/** Yields now and then in a loop whose awaits resolve at once. */
export function createTurns(signal?: AbortSignal): () => Promise<void> | undefined {
  let end = performance.now() + longestTurn;
  return () => {
    if (performance.now() < end) return undefined;
    return setImmediate().then(() => {
      signal?.throwIfAborted();
      end = performance.now() + longestTurn;
    });
  };
}
