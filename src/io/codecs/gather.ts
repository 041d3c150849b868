import type { Bytes } from '../../model/entry.js';
import { entryBoundary } from './entry-boundary.js';

/** Bytes per piece: enough that a pipe or a thread is not woken for every header of an archive. */
const pieceSize = 256 * 1024;

/**
 * The same bytes in large pieces, each a buffer of its own that stays valid. Of the boundaries only those
 * that are at least `distance` bytes apart are passed on, none without a distance.
 */
export async function* gatherBytes(
  source: Bytes,
  distance = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array, void, void> {
  let held = Buffer.allocUnsafeSlow(pieceSize);
  let size = 0;
  let sinceBoundary = 0;
  for await (const piece of source) {
    if (piece === entryBoundary) {
      if (sinceBoundary < distance) continue;
      if (size > 0) yield held.subarray(0, size);
      yield entryBoundary;
      held = Buffer.allocUnsafeSlow(pieceSize);
      [size, sinceBoundary] = [0, 0];
    }
    sinceBoundary += piece.length;
    for (let at = 0; at < piece.length; ) {
      const taken = Math.min(pieceSize - size, piece.length - at);
      held.set(piece.subarray(at, at + taken), size);
      at += taken;
      size += taken;
      if (size < pieceSize) continue;
      yield held;
      held = Buffer.allocUnsafeSlow(pieceSize);
      size = 0;
    }
  }
  if (size > 0) yield held.subarray(0, size);
}
