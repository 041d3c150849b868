import type { Bytes } from '../../model/entry.js';
import { entryBoundary } from './entry-boundary.js';

/** Compresses what stands between two cuts: whole entries, so that a kernel takes each result as a member. */
export interface RunCompressor extends AsyncDisposable {
  /** How many runs may be under way or waiting at once: more would only fill memory. */
  readonly depth: number;
  /** Bytes. A run of more is not held: it becomes a member that is compressed as it comes. */
  readonly longest: number;
  /** One whole member around the bytes; the same for the same bytes, whatever comes before and behind them. */
  compress(run: Uint8Array): Promise<Uint8Array>;
  /** One whole member around a run that is too long to be held. */
  stream(source: Bytes): Bytes;
}

/** A run of whole entries: held, or grown so large that it must be streamed. */
type Run = { readonly held: Uint8Array } | { readonly stream: Bytes };

/**
 * A stream of archive bytes as members that are cut where `entryBoundary` stands and compressed side by side;
 * without one in it, the source becomes one member. Pieces of the source must stay valid.
 */
export async function* writeRuns(
  source: Bytes,
  { depth, longest, compress, stream }: RunCompressor,
): AsyncGenerator<Uint8Array, void, void> {
  const queue: Promise<Uint8Array>[] = [];

  async function* drain(most: number): AsyncGenerator<Uint8Array, void, void> {
    while (queue.length > most) {
      const next = queue.shift();
      if (next !== undefined) yield await next;
    }
  }

  function start(run: Uint8Array): void {
    const member = compress(run);
    // It is awaited in its turn; a failure before that must not count as unhandled.
    member.catch(() => {});
    queue.push(member);
  }

  let empty = true;
  for await (const run of cutRuns(source, longest)) {
    empty = false;
    if ('held' in run) {
      start(run.held);
      yield* drain(depth);
    } else {
      yield* drain(0);
      yield* stream(run.stream);
    }
  }
  if (empty) start(new Uint8Array());
  yield* drain(0);
}

async function* cutRuns(source: Bytes, longest: number): AsyncGenerator<Run, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let size = 0;
  const take = () => {
    const taken = held;
    [held, size] = [[], 0];
    return taken;
  };
  try {
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      if (next.value === entryBoundary) {
        if (size > 0) yield { held: Buffer.concat(take()) };
      } else {
        held.push(next.value);
        size += next.value.length;
        if (size > longest) yield { stream: chain(take(), untilBoundary(pieces)) };
      }
    }
    if (size > 0) yield { held: Buffer.concat(take()) };
  } finally {
    await pieces.return?.();
  }
}

async function* untilBoundary(pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for (let next = await pieces.next(); !next.done && next.value !== entryBoundary; next = await pieces.next())
    yield next.value;
}

/** What was passed on is held no longer. */
async function* chain(first: Uint8Array[], rest: Bytes): AsyncGenerator<Uint8Array, void, void> {
  first.reverse();
  for (let piece = first.pop(); piece !== undefined; piece = first.pop()) yield piece;
  yield* rest;
}
