import { createHash } from 'node:crypto';
import type { Bytes } from '../../../model/image/entry.js';
import { layouts } from './inode.js';
import { type BlockSink, cutBody, type StoredBody } from './store-body.js';
import { newBlockSize } from './superblock.js';

/** Bytes of a chunk: one is held in memory. */
const largestChunk = 2 ** 20;
/** Chunks that are remembered: more would take too much memory. */
const mostKnown = 2 ** 20;

/** The chunks of a file system that are written. */
export interface ChunkStore {
  /** Bytes of one. */
  readonly size: number;
  /** The first block of each, by its content. */
  readonly known: Map<string, number>;
}

export function createChunkStore(size: number): ChunkStore {
  return { size: Math.min(Math.max(size, newBlockSize), largestChunk), known: new Map() };
}

/** Writes the chunks of a body that are not there already. A hole is a chunk of zeros: `fsck.erofs` 1.5 and 1.8 extract a true one wrongly. */
export async function storeChunks(
  body: Bytes,
  { size, known }: ChunkStore,
  sink: BlockSink,
): Promise<StoredBody> {
  const start = sink.block;
  const blocks: number[] = [];
  let isWhole = true;
  for await (const piece of cutBody(body, size)) {
    const key = createHash('sha256').update(piece).digest('base64');
    const block = known.get(key);
    blocks.push(block ?? sink.block);
    if (block !== undefined) isWhole = false;
    else {
      if (known.size < mostKnown) known.set(key, sink.block);
      await sink.write(piece);
    }
  }
  // Blocks that follow each other need no map.
  if (isWhole) return { layout: layouts.plain, place: start, behind: new Uint8Array() };
  const behind = Buffer.alloc(4 * blocks.length);
  for (const [index, block] of blocks.entries()) behind.writeUInt32LE(block, 4 * index);
  return { layout: layouts.chunks, place: Math.log2(size / newBlockSize), behind };
}
