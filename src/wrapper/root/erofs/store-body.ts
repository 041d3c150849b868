import type { Bytes } from '../../../model/image/entry.js';
import { alignUp } from '../../align-up.js';
import { type CompressedExtent, encodeExtents, encodeMap } from './extents.js';
import { layouts } from './inode.js';
import { packBlock } from './pack-block.js';
import { newBlockSize } from './superblock.js';

/** Bytes that are compressed at once. */
const clusterSize = 64 * 1024;

/** Where the content of a file went. */
export interface StoredBody {
  readonly layout: number;
  /** The field of the inode: the first block, or for a compressed file how many it has. */
  readonly place: number;
  /** What stands behind the inode: the map of a compressed file, or the rest of another. */
  readonly behind: Uint8Array;
  /** The most blocks of a compressed piece. */
  readonly largest?: number | undefined;
}

/** Appends to the blocks of the file system. */
export interface BlockSink {
  /** The number of the next one. */
  readonly block: number;
  /** Zeros fill up the last block. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface BodyOptions {
  readonly size: number;
  readonly isCompressed: boolean;
  /** Bytes that may stand behind the inode in its own block. */
  readonly room: number;
}

/** Writes the blocks of a body. A rest that is shorter than a block goes behind the inode if there is room. */
export async function storeBody(body: Bytes, options: BodyOptions, sink: BlockSink): Promise<StoredBody> {
  const { size, isCompressed, room } = options;
  const packing = isCompressed && size > newBlockSize;
  const start = sink.block;
  const extents: CompressedExtent[] = [];
  let done = 0;
  let behind: Uint8Array = new Uint8Array();
  for await (const piece of cutBody(body, clusterSize))
    if (packing) {
      for (const extent of await storePacked(piece, done, sink)) extents.push(extent);
      done += piece.length;
    } else behind = await storePlain(piece, room, sink);
  const blocks = sink.block - start;
  if (!packing || blocks >= Math.ceil(size / newBlockSize))
    return { layout: behind.length > 0 ? layouts.inline : layouts.plain, place: start, behind };
  const records = encodeExtents(extents, size);
  return { layout: layouts.fullIndex, place: blocks, behind: Buffer.concat([encodeMap(), records]) };
}

/** Writes a piece of the content that begins at `start`, and returns where it is: block by block where it is not compressed. */
async function storePacked(piece: Uint8Array, start: number, sink: BlockSink): Promise<CompressedExtent[]> {
  const { block } = sink;
  const packed = piece.length > newBlockSize ? packPiece(piece) : undefined;
  await sink.write(packed ?? piece);
  const end = start + piece.length;
  if (packed !== undefined)
    return [{ start, end, isPlain: false, block, blocks: packed.length / newBlockSize }];
  return Array.from({ length: Math.ceil(piece.length / newBlockSize) }, (_, index) => {
    const from = start + index * newBlockSize;
    return {
      start: from,
      end: Math.min(from + newBlockSize, end),
      isPlain: true,
      block: block + index,
      blocks: 1,
    };
  });
}

/** Writes a piece, and returns the rest that goes behind the inode. */
async function storePlain(piece: Uint8Array, room: number, sink: BlockSink): Promise<Uint8Array> {
  const rest = piece.length % newBlockSize;
  if (rest === 0 || rest > room) {
    await sink.write(piece);
    return new Uint8Array();
  }
  await sink.write(piece.subarray(0, piece.length - rest));
  return piece.slice(piece.length - rest);
}

/** Cuts a body into pieces of one size; the last may be shorter. A piece is valid until the next is asked for. */
export async function* cutBody(body: Bytes, size: number): AsyncGenerator<Uint8Array, void, void> {
  const held = Buffer.alloc(size);
  let filled = 0;
  for await (const piece of body)
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + size - filled);
      held.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < size) continue;
      yield held;
      filled = 0;
    }
  if (filled > 0) yield held.subarray(0, filled);
}

/** A compressed piece as whole blocks with zeros in front; undefined: it would save no block. */
function packPiece(piece: Uint8Array): Uint8Array | undefined {
  const before = Math.ceil(piece.length / newBlockSize);
  const packed = packBlock(piece, (before - 1) * newBlockSize + 1);
  if (packed === undefined) return undefined;
  const bytes = new Uint8Array(alignUp(packed.length, newBlockSize));
  bytes.set(packed, bytes.length - packed.length);
  return bytes;
}
