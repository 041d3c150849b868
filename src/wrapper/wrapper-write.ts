import { crc32 } from 'node:zlib';
import { type InputFile, passRange } from '../io/file/input-file.js';
import type { Bytes } from '../model/image/entry.js';

/** What a new wrapper is made of, in order. */
export type WrapperPiece =
  | { readonly kind: 'old'; readonly offset: number; readonly end: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'zeros'; readonly size: number }
  | { readonly kind: 'new' };

export interface WrapperSources {
  readonly old: InputFile;
  /** The new initrd. */
  readonly initrd: Pick<InputFile, 'name' | 'size' | 'fill' | 'read'>;
}

/** A range of the old file, and what replaces it. */
export interface WrapperEdit {
  readonly offset: number;
  readonly end: number;
  readonly pieces: readonly WrapperPiece[];
}

/** Applies edits that do not overlap to the old file of `size` bytes. */
export function applyEdits(edits: readonly WrapperEdit[], size: number): WrapperPiece[] {
  const sorted = [...edits].sort((one, other) => one.offset - other.offset);
  const starts = [0, ...sorted.map(({ end }) => end)];
  return [
    ...sorted.flatMap(({ offset, pieces }, index): WrapperPiece[] => [
      { kind: 'old', offset: starts[index] ?? 0, end: offset },
      ...pieces,
    ]),
    { kind: 'old', offset: starts.at(-1) ?? 0, end: size },
  ];
}

/** CRC-32 of pieces; without any, of the new initrd. */
export async function sumPieces(
  sources: WrapperSources,
  pieces: readonly WrapperPiece[] = [{ kind: 'new' }],
): Promise<number> {
  let sum = 0;
  for await (const piece of writePieces(pieces, sources)) sum = crc32(piece, sum);
  return sum;
}

const zeros = new Uint8Array(64 * 1024);

/** Each piece is valid until the next is asked for. */
export async function* writePieces(
  pieces: readonly WrapperPiece[],
  { old, initrd }: WrapperSources,
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces) {
    if (piece.kind === 'old') yield* passRange(old, piece.offset, piece.end);
    else if (piece.kind === 'new') yield* passRange(initrd, 0, initrd.size);
    else if (piece.kind === 'bytes') yield piece.bytes;
    else
      for (let left = piece.size; left > 0; left -= zeros.length)
        yield zeros.subarray(0, Math.min(left, zeros.length));
  }
}
