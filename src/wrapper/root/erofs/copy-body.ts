import { readPieces } from '../../../io/file/read-write.js';
import { type Erofs, findExtents, readExtents, type TailPlace } from './body.js';
import { type CompressedExtent, encodeExtents, encodeMap } from './extents.js';
import { isPacked, layouts } from './inode.js';
import { readInode } from './read-erofs.js';
import type { BlockSink, StoredBody } from './store-body.js';
import { newBlockSize } from './superblock.js';

/**
 * Copies the compressed pieces of a file as they are. Undefined: the old file system has it in a way in which a new one is not
 * written. Errors (`invalid`): `wrapper-invalid`, `wrapper-unread`.
 */
export async function copyBody(old: Erofs, id: number, sink: BlockSink): Promise<StoredBody | undefined> {
  const inode = await readInode(old, id);
  if (!isPacked(inode) || inode.size === 0 || !old.superblock.isPadded) return undefined;
  const { extents, tail } = await findExtents(old, inode);
  const blocks = extents.reduce((sum, extent) => sum + extent.blocks, 0);
  const isWhole = extents.every((extent) => endOf(extent) <= old.file.size);
  if (tail.end - tail.start > newBlockSize) return undefined;
  // Pieces may share their blocks, so that the copy of a hostile file would be larger than its content.
  if (!isWhole || blocks > Math.ceil(inode.size / newBlockSize)) return undefined;
  const last = extents.at(-1);
  const rest =
    last !== undefined && last.block === undefined
      ? await fillBlock(old, last, { tail, offset: inode.offset })
      : undefined;
  const first = sink.block;
  let block = first;
  const placed = extents.map((extent) => {
    const copy = { ...extent, block, ...(extent.block === undefined && { isPlain: rest?.isPlain === true }) };
    block += extent.blocks;
    return copy;
  });
  for (const { start, end } of listRanges(extents))
    for await (const piece of readPieces(old.file, start, end)) await sink.write(piece);
  if (rest !== undefined) await sink.write(rest.bytes);
  return {
    layout: layouts.fullIndex,
    place: block - first,
    behind: Buffer.concat([encodeMap(), encodeExtents(placed, inode.size)]),
    largest: extents.reduce((most, extent) => Math.max(most, extent.blocks), 0),
  };
}

/**
 * A block of its own for a piece that stands behind its inode. `fsck.erofs` 1.5 cannot unpack one that begins in the last block
 * of the content, and what fits into a block needs no compression.
 */
async function fillBlock(
  old: Erofs,
  piece: CompressedExtent,
  place: TailPlace,
): Promise<{ readonly bytes: Uint8Array; readonly isPlain: boolean }> {
  const isPlain = piece.isPlain || piece.end - piece.start <= newBlockSize;
  const content = isPlain
    ? await readExtents(old, [piece], place)
    : await old.file.read(place.tail.start, place.tail.end);
  const bytes = new Uint8Array(newBlockSize);
  bytes.set(content, isPlain ? 0 : bytes.length - content.length);
  return { bytes, isPlain };
}

/** In bytes of the file; 0 for what does not stand in blocks. */
function endOf({ block, blocks }: CompressedExtent): number {
  return block === undefined ? 0 : (block + blocks) * newBlockSize;
}

/** The stored bytes of extents, as few ranges of the file. */
function listRanges(
  extents: readonly CompressedExtent[],
): { readonly start: number; readonly end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const extent of extents) {
    if (extent.block === undefined) continue;
    const start = extent.block * newBlockSize;
    const last = ranges.at(-1);
    if (last?.end === start) last.end = endOf(extent);
    else ranges.push({ start, end: endOf(extent) });
  }
  return ranges;
}
