import type { Bytes } from '../model/image/entry.js';
import { createSlabWriter } from './file/slabs.js';

/** The same bytes in large pieces, each in a buffer of its own that the consumer may recycle. */
export async function* gatherBytes(source: Bytes): AsyncGenerator<Uint8Array, void, void> {
  const slabs = createSlabWriter();
  for await (const piece of source) yield* slabs.add(piece);
  const last = slabs.end();
  if (last !== undefined) yield last;
}
