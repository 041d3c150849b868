import type { Bytes } from '../model/entry.js';
import { isBoundary, isMember, readBoundary, readSpare, type Spare } from './marks.js';

/** Compresses what stands between two cuts: whole entries, so that a kernel takes each result as a member. */
export interface RunCompressor extends AsyncDisposable {
  /** How many runs may be under way or waiting at once: more would only fill memory. */
  readonly depth: number;
  /** Bytes. A run of more is not held: it becomes a member that is compressed as it comes. */
  readonly longest: number;
  /**
   * One whole member around the bytes; the same for the same bytes, whatever comes before and behind them.
   * The bytes are the compressor's to use up. `key`: what stands at the boundary before them.
   */
  compress(run: Uint8Array, key: string | undefined): Promise<Uint8Array>;
  /** One whole member around a run that is too long to be held. */
  stream(source: Bytes): Bytes;
}

/** A run of whole entries, or the member that it already is. */
interface Run {
  readonly pieces: Uint8Array[];
  readonly key?: string | undefined;
  /** When it has grown so large that its end must be streamed. */
  readonly rest?: Bytes | undefined;
  readonly isMember?: boolean;
}

const nothing = new Uint8Array(0);

/**
 * A stream of archive bytes as members that are cut where boundaries stand and compressed side by side;
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

  function start(member: Promise<Uint8Array>): void {
    // It is awaited in its turn; a failure before that must not count as unhandled.
    member.catch(() => {});
    queue.push(member);
  }

  let empty = true;
  for await (const run of cutRuns(source, longest)) {
    if ('bytes' in run) {
      start(compress(run.bytes, run.key).then(() => nothing));
      yield* drain(depth);
      continue;
    }
    const { pieces, key, rest, isMember: ready } = run;
    empty = false;
    if (rest === undefined) {
      const bytes = join(pieces);
      start(ready ? Promise.resolve(bytes) : compress(bytes, key));
      yield* drain(depth);
    } else {
      yield* drain(0);
      yield* stream(chain(pieces, rest));
    }
  }
  if (empty) start(compress(new Uint8Array(), undefined));
  yield* drain(0);
}

/** A buffer of its own in any case: whoever compresses it may hand it to a thread. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const run = Buffer.allocUnsafeSlow(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    run.set(piece, at);
    at += piece.length;
  }
  return run;
}

async function* cutRuns(source: Bytes, longest: number): AsyncGenerator<Run | Spare, void, void> {
  const pieces = source[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let key: string | undefined;
  let size = 0;
  try {
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      const piece = next.value;
      const spare = readSpare(piece);
      if (spare !== undefined) yield spare;
      else if (isBoundary(piece)) {
        if (size > 0) yield { pieces: held, key };
        [held, size, key] = [[], 0, readBoundary(piece).key];
      } else if (isMember(piece)) yield { pieces: [piece], isMember: true };
      else {
        held.push(piece);
        size += piece.length;
        if (size <= longest) continue;
        const after: { boundary?: Uint8Array } = {};
        yield { pieces: held, rest: untilBoundary(pieces, after) };
        [held, size, key] = [[], 0, after.boundary && readBoundary(after.boundary).key];
      }
    }
    if (size > 0) yield { pieces: held, key };
  } finally {
    await pieces.return?.();
  }
}

/** Up to the next boundary, which goes into `after`. */
async function* untilBoundary(
  pieces: AsyncIterator<Uint8Array>,
  after: { boundary?: Uint8Array },
): AsyncGenerator<Uint8Array, void, void> {
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    if (isBoundary(next.value)) {
      after.boundary = next.value;
      return;
    }
    if (readSpare(next.value) === undefined) yield next.value;
  }
}

/** What was passed on is held no longer. */
async function* chain(first: Uint8Array[], rest: Bytes): AsyncGenerator<Uint8Array, void, void> {
  first.reverse();
  for (let piece = first.pop(); piece !== undefined; piece = first.pop()) yield piece;
  yield* rest;
}
