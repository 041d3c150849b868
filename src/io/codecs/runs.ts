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

/** A run of whole entries; `rest` when it has grown so large that its end must be streamed. */
interface Run {
  readonly pieces: readonly Uint8Array[];
  readonly rest?: Bytes | undefined;
}

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
  for await (const { pieces, rest } of cutRuns(source, longest)) {
    empty = false;
    if (rest === undefined) {
      start(Buffer.concat(pieces));
      yield* drain(depth);
    } else {
      yield* drain(0);
      yield* stream(chain(pieces, rest));
    }
  }
  if (empty) start(new Uint8Array());
  yield* drain(0);
}

async function* cutRuns(source: Bytes, longest: number): AsyncGenerator<Run, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let size = 0;
  try {
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      if (next.value === entryBoundary) {
        if (size > 0) yield { pieces: held };
        [held, size] = [[], 0];
      } else {
        held.push(next.value);
        size += next.value.length;
        if (size > longest) {
          yield { pieces: held, rest: untilBoundary(pieces) };
          [held, size] = [[], 0];
        }
      }
    }
    if (size > 0) yield { pieces: held };
  } finally {
    await pieces.return?.();
  }
}

async function* untilBoundary(pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for (let next = await pieces.next(); !next.done && next.value !== entryBoundary; next = await pieces.next())
    yield next.value;
}

async function* chain(first: readonly Uint8Array[], rest: Bytes): AsyncGenerator<Uint8Array, void, void> {
  yield* first;
  yield* rest;
}
