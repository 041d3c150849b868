import type { Bytes } from '../model/entry.js';
import { slabSize, takeSlab } from './slabs.js';

/** The same bytes in pieces of `slabSize`, each in a buffer of its own that the consumer may recycle. */
export async function* gatherBytes(source: Bytes): AsyncGenerator<Uint8Array, void, void> {
  let slab: Buffer | undefined;
  let size = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      slab ??= takeSlab();
      const count = Math.min(slabSize - size, piece.length - at);
      slab.set(piece.subarray(at, at + count), size);
      at += count;
      size += count;
      if (size < slabSize) continue;
      yield slab;
      [slab, size] = [undefined, 0];
    }
  }
  if (slab !== undefined && size > 0) yield slab.subarray(0, size);
}
