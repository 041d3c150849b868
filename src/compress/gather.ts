import { slabSize, takeSlab } from '../io/slabs.js';
import type { Bytes } from '../model/entry.js';
import { isBoundary, isMember, isRunStart, readBoundary, readSpare } from './marks.js';

/**
 * The same bytes in large pieces, each a buffer of its own that stays valid. Boundaries are passed on where a
 * run of `runSize` unpacked bytes begins, none without a size.
 */
export async function* gatherBytes(source: Bytes, runSize?: number): AsyncGenerator<Uint8Array, void, void> {
  let held: Buffer | undefined;
  let size = 0;
  let previous = 0;
  for await (const piece of source) {
    if (isBoundary(piece)) {
      const { position } = readBoundary(piece);
      const isWanted =
        runSize !== undefined && (position === undefined || isRunStart(position, previous, runSize));
      previous = position ?? 0;
      if (!isWanted) continue;
    }
    if (readSpare(piece)) {
      if (runSize !== undefined) yield piece;
      continue;
    }
    if (isBoundary(piece) || isMember(piece)) {
      if (held !== undefined && size > 0) yield held.subarray(0, size);
      yield piece;
      [held, size] = [undefined, 0];
      continue;
    }
    for (let at = 0; at < piece.length; ) {
      held ??= takeSlab();
      const taken = Math.min(slabSize - size, piece.length - at);
      held.set(piece.subarray(at, at + taken), size);
      at += taken;
      size += taken;
      if (size < slabSize) continue;
      yield held;
      [held, size] = [undefined, 0];
    }
  }
  if (held !== undefined && size > 0) yield held.subarray(0, size);
}
