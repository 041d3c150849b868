import { encodeGzipHeader } from '../../format/gzip-header.js';
import type { Bytes } from '../../model/entry.js';
import { createDeflatePool } from './deflate-pool.js';
import type { DeflateAnswer } from './deflate-worker.js';
import { entryBoundary } from './entry-boundary.js';

/** Above this a run is not held: it becomes a member that is compressed as it comes. */
const longestRun = 16 * 1024 * 1024;
/** zlib's higher levels cost many times the time for a hundredth of the size. */
const highestStreamLevel = 6;

/** A run of whole entries; `rest` when it has grown so large that its end must be streamed. */
interface Run {
  readonly pieces: readonly Uint8Array[];
  readonly rest?: Bytes | undefined;
}

/** How one member is written whose body is too large to be held. */
export type WriteStream = (source: Bytes, level: number) => Bytes;

/**
 * A stream of archive bytes as gzip members that are cut between entries and compressed side by side. A kernel
 * and `zcat` read them as one stream. Without `entryBoundary` in it, the source becomes one member.
 */
export async function* writeGzipMembers(
  source: Bytes,
  level: number,
  writeStream: WriteStream,
): AsyncGenerator<Uint8Array, void, void> {
  await using pool = createDeflatePool();
  const queue: { readonly size: number; readonly answer: Promise<DeflateAnswer> }[] = [];

  async function* drain(most: number): AsyncGenerator<Uint8Array, void, void> {
    while (queue.length > most) {
      const next = queue.shift();
      if (next !== undefined) yield* encodeMember(await next.answer, next.size, level);
    }
  }

  let empty = true;
  for await (const { pieces, rest } of cutRuns(source)) {
    empty = false;
    if (rest === undefined) {
      const bytes = Buffer.concat(pieces);
      const answer = pool.deflate(bytes, level);
      // It is awaited in its turn; a failure before that must not count as unhandled.
      answer.catch(() => {});
      queue.push({ size: bytes.length, answer });
      yield* drain(pool.depth);
    } else {
      yield* drain(0);
      yield* writeStream(chain(pieces, rest), Math.min(level, highestStreamLevel));
    }
  }
  if (empty) yield* writeStream(source, level);
  yield* drain(0);
}

async function* cutRuns(source: Bytes): AsyncGenerator<Run, void, void> {
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
        if (size > longestRun) {
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

function* encodeMember(
  { bytes, checksum }: DeflateAnswer,
  size: number,
  level: number,
): Generator<Uint8Array, void, void> {
  yield encodeGzipHeader(level === 9 ? 'best' : level === 1 ? 'fastest' : undefined);
  yield bytes;
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, checksum, true);
  trailer.setUint32(4, size % 2 ** 32, true);
  yield new Uint8Array(trailer.buffer);
}
