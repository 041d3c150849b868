import type { Bytes } from '../model/image/entry.js';

/**
 * What flows to a compressor. A kernel accepts a gzip member that ends between two entries and goes on with the next
 * one; it refuses a member that is cut inside an entry ("junk at the end of compressed archive").
 */
export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | Cut
  /** A whole member of the stream's codec, written as it is. It stands between two cuts. */
  | { readonly kind: 'member'; readonly bytes: Uint8Array }
  /** A run that is not part of the stream: compressed and cached for a later build. It may stand anywhere. */
  | {
      readonly kind: 'spare';
      readonly key: string;
      readonly origin?: number | undefined;
      readonly bytes: Uint8Array;
    };

/** An entry begins here, and a member may end. */
export interface Cut {
  readonly kind: 'cut';
  /** Where the entry stood before anything was changed; a cut without a position is always made. */
  readonly position?: number | undefined;
  /** What the run behind the cut is cached under when it becomes a member of its own. */
  readonly key?: string | undefined;
  /** Where the run behind the cut stood in the unpacked stream before anything was changed; only for a run that is what it was. */
  readonly origin?: number | undefined;
}

/** The bytes of a `bytes` piece are valid until the next piece is asked for. */
export type Pieces = AsyncIterable<Piece>;

/** The stream without its cuts. */
export async function* listBytes(pieces: Pieces): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces) if (piece.kind === 'bytes') yield piece.bytes;
}

export async function* createPieces(bytes: Bytes): AsyncGenerator<Piece, void, void> {
  for await (const piece of bytes) yield { kind: 'bytes', bytes: piece };
}

/** Unpacked bytes between the places where an archive can be cut; some codecs take a multiple. */
export const runSize = 2 ** 20;

/**
 * Whether an entry begins a new run. Only the position of the entry decides, not what came before it, so all runs
 * behind a change stay what they were.
 */
export function isRunStart(position: number, before: number, size: number = runSize): boolean {
  return Math.floor(position / size) !== Math.floor(before / size);
}
