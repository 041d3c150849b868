import { createSlabWriter, giveSlab, type SlabWriter } from '../io/file/slabs.js';
import type { Bytes } from '../model/image/entry.js';
import { type Cut, isRunStart, type Piece, type Pieces } from './piece.js';

/** Compresses what stands between two cuts: whole entries, so that a kernel takes each result as a member. */
export interface RunCompressor extends AsyncDisposable {
  /** How many runs may be under way or waiting at once: more would only fill memory. */
  readonly depth: number;
  /** Bytes. A longer run is not buffered: it becomes a member that is compressed as it comes. */
  readonly longest: number;
  /**
   * One whole member around the bytes; the same for the same bytes and origin, whatever comes before and behind them.
   * The compressor may consume the bytes. `place`: of the cut before them.
   */
  compress(run: Uint8Array, place: RunPlace): Promise<Uint8Array>;
  /** Compresses and caches a run for a later build; absent where nothing is cached. */
  spare?(run: Uint8Array, place: RunPlace & { readonly key: string }): Promise<void>;
  /** One whole member around a run that is too long to be buffered. */
  stream(source: Bytes): Bytes;
}

/** As in `Cut`. */
export type RunPlace = Pick<Cut, 'key' | 'origin'>;

/** A member, and whether its buffer is ours to be used again. */
interface Made {
  readonly member: Uint8Array;
  readonly isOurs: boolean;
}

/** A run of whole entries, or the member that it already is. */
type Run =
  | { readonly kind: 'run'; readonly slabs: readonly Uint8Array[]; readonly place: RunPlace }
  | { readonly kind: 'long'; readonly bytes: Bytes }
  | Extract<Piece, { kind: 'member' | 'spare' }>;

/**
 * A stream of archive bytes as members that are compressed side by side; returns the size of each member. Members are
 * cut where the stream has a cut and `runSize` says that a run begins; without a run size the stream becomes one. Each is valid until the
 * next is asked for.
 */
export async function* writeRuns(
  source: Pieces,
  { runSize, compressor }: { readonly runSize: number | undefined; readonly compressor: RunCompressor },
): AsyncGenerator<Uint8Array, number[], void> {
  const { depth, longest, compress, spare, stream } = compressor;
  const queue: Promise<Made | undefined>[] = [];
  const sizes: number[] = [];

  async function* drain(most: number): AsyncGenerator<Uint8Array, void, void> {
    while (queue.length > most) {
      const made = await queue.shift();
      if (made === undefined) continue;
      sizes.push(made.member.length);
      yield made.member;
      if (made.isOurs) giveSlab(made.member.buffer as ArrayBuffer);
    }
  }

  function start(member: Promise<Made | undefined>): void {
    // The error surfaces when the member is written; an earlier failure must not count as unhandled.
    member.catch(() => {});
    queue.push(member);
  }

  const make = (run: Uint8Array, place: RunPlace) =>
    compress(run, place).then((member) => ({ member, isOurs: true }));

  let isEmpty = true;
  for await (const run of cutRuns(source, { runSize, longest })) {
    isEmpty &&= run.kind === 'spare';
    if (run.kind === 'long') {
      yield* drain(0);
      let size = 0;
      for await (const piece of stream(run.bytes)) {
        size += piece.length;
        yield piece;
      }
      sizes.push(size);
      continue;
    }
    if (run.kind === 'member') start(Promise.resolve({ member: run.bytes, isOurs: false }));
    else if (run.kind === 'run') start(make(joinSlabs(run.slabs), run.place));
    else if (spare !== undefined) start(spare(run.bytes, run).then(() => undefined));
    yield* drain(depth);
  }
  if (isEmpty) start(make(new Uint8Array(), {}));
  yield* drain(0);
  return sizes;
}

/** Always a buffer of its own: the compressor may hand it to a thread. */
export function joinSlabs(slabs: readonly Uint8Array[]): Uint8Array {
  const [first] = slabs;
  if (slabs.length === 1 && first !== undefined) return first;
  const run = Buffer.allocUnsafeSlow(slabs.reduce((size, slab) => size + slab.length, 0));
  let at = 0;
  for (const slab of slabs) {
    run.set(slab, at);
    at += slab.length;
  }
  return run;
}

async function* cutRuns(
  source: Pieces,
  { runSize, longest }: { readonly runSize: number | undefined; readonly longest: number },
): AsyncGenerator<Run, void, void> {
  const pieces = gatherPieces(source, runSize);
  let slabs: Uint8Array[] = [];
  let size = 0;
  let place: RunPlace = {};

  function endRun(): Uint8Array[] {
    const ended = slabs;
    [slabs, size, place] = [[], 0, {}];
    return ended;
  }

  /** The present run up to the next cut; no slab is referenced after it was passed on. */
  async function* streamRun(): AsyncGenerator<Uint8Array, void, void> {
    const first = endRun().reverse();
    for (let slab = first.pop(); slab !== undefined; slab = first.pop()) yield slab;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      if (next.value.kind === 'bytes') yield next.value.bytes;
      else if (next.value.kind === 'cut') {
        place = next.value;
        return;
      }
    }
  }

  try {
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      const piece = next.value;
      if (piece.kind === 'bytes') {
        slabs.push(piece.bytes);
        size += piece.bytes.length;
        if (size > longest) yield { kind: 'long', bytes: streamRun() };
      } else if (piece.kind === 'cut') {
        if (size > 0) yield { kind: 'run', place, slabs: endRun() };
        place = piece;
      } else yield piece;
    }
    if (size > 0) yield { kind: 'run', place, slabs: endRun() };
  } finally {
    await pieces.return();
  }
}

/** The bytes in slabs of their own, with only the cuts at which a run begins. */
async function* gatherPieces(source: Pieces, runSize: number | undefined): AsyncGenerator<Piece, void, void> {
  const slabs = createSlabWriter();
  let before = 0;
  for await (const piece of source) {
    if (piece.kind === 'bytes') {
      for (const bytes of slabs.add(piece.bytes)) yield { kind: 'bytes', bytes };
    } else if (piece.kind === 'member') {
      yield* endSlab(slabs);
      yield { kind: 'cut' };
      yield piece;
      before = 0;
    } else if (piece.kind === 'spare') {
      if (runSize !== undefined) yield piece;
    } else {
      if (isWanted(piece, before, runSize)) {
        yield* endSlab(slabs);
        yield piece;
      }
      before = piece.position ?? 0;
    }
  }
  yield* endSlab(slabs);
}

function endSlab(slabs: SlabWriter): Piece[] {
  const bytes = slabs.end();
  return bytes === undefined ? [] : [{ kind: 'bytes', bytes }];
}

function isWanted({ position }: Cut, before: number, runSize: number | undefined): boolean {
  return runSize !== undefined && (position === undefined || isRunStart(position, before, runSize));
}
