import type { Bytes } from '../model/entry.js';

const pieceSize = 256 * 1024;

/** The bytes from `start` up to `end` of what can be read anywhere, in pieces of at most 256 KiB. */
export async function* readPieces(
  file: { read(offset: number, end: number): Promise<Uint8Array> },
  start: number,
  end: number,
): Bytes {
  for (let at = start; at < end; at += pieceSize) yield await file.read(at, Math.min(end, at + pieceSize));
}
