import type { InputFile } from '../../../io/file/input-file.js';
import { readPieces } from '../../../io/file/read-write.js';
import type { Bytes } from '../../../model/image/entry.js';
import { createDamageError, createFeatureError } from '../root-tree.js';
import {
  advices,
  type CompressedExtent,
  listExtents,
  locateRecords,
  mapSize,
  parseMap,
  parseRecords,
} from './extents.js';
import { type Inode, layouts } from './inode.js';
import { unpackBlock } from './lz4-block.js';
import { newBlockSize, type Superblock } from './superblock.js';

export interface Erofs {
  readonly file: InputFile;
  readonly superblock: Superblock;
}

/** The content of a file, a directory or a symlink. Errors (`invalid`): `wrapper-invalid`, `wrapper-unread`. */
export async function* readContent(
  erofs: Erofs,
  inode: Inode,
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  switch (inode.layout) {
    case layouts.plain:
    case layouts.inline:
      yield* readFlat(erofs, inode);
      return;
    case layouts.chunks:
      yield* readChunks(erofs, inode);
      return;
    case layouts.fullIndex:
    case layouts.compactIndex:
      yield* readCompressed(erofs, inode);
      return;
    default:
      throw createDamageError(
        erofs.file.name,
        `an inode has the unknown layout ${inode.layout}`,
        inode.offset,
      );
  }
}

/** Reads consecutive blocks; in the inline layout the rest behind the last whole block follows the inode. */
async function* readFlat(erofs: Erofs, inode: Inode): AsyncGenerator<Uint8Array, void, void> {
  const { size, place, layout, end } = inode;
  const { blockSize } = erofs.superblock;
  const whole = layout === layouts.inline ? (Math.ceil(size / blockSize) - 1) * blockSize : size;
  const start = place * blockSize;
  if (whole > 0) yield* readStored(erofs, inode, { start, end: start + whole });
  if (size > whole && whole >= 0) yield* readStored(erofs, inode, { start: end, end: end + size - whole });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

async function* readStored(
  { file }: Erofs,
  inode: Inode,
  { start, end }: Range,
): AsyncGenerator<Uint8Array, void, void> {
  if (end > file.size)
    throw createDamageError(file.name, `the content ends at ${end}, past the end of the file`, inode.offset);
  yield* readPieces(file, start, end);
}

const noBlock = 0xffffffff;
const zeros = new Uint8Array(256 * 1024);

/** Reads chunks of one size, each at a block of its own; a chunk without a block is a hole. */
async function* readChunks(erofs: Erofs, inode: Inode): AsyncGenerator<Uint8Array, void, void> {
  const {
    file,
    superblock: { blockSize },
  } = erofs;
  const format = inode.place & 0xffff;
  const isIndexed = (format & 0x20) !== 0;
  const chunk = blockSize * 2 ** (format & 0x1f);
  const each = isIndexed ? 8 : 4;
  const table = Math.ceil(inode.end / each) * each;
  if (table + each * Math.ceil(inode.size / chunk) > file.size)
    throw createDamageError(file.name, 'a table of chunks ends past the end of the file', inode.offset);
  for (let done = 0, at = table; done < inode.size; done += chunk, at += each) {
    const bytes = Buffer.from(await file.read(at, at + each));
    if (isIndexed && bytes.readUInt16LE(2) !== 0)
      throw createFeatureError(file.name, 'a file on another device');
    const block = bytes.readUInt32LE(each - 4);
    const size = Math.min(chunk, inode.size - done);
    if (block === noBlock) yield* readHole(size);
    else {
      const start = block * blockSize;
      yield* readStored(erofs, inode, { start, end: start + size });
    }
  }
}

function* readHole(size: number): Generator<Uint8Array, void, void> {
  for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length));
}

/** Bytes: an extent is unpacked in memory. */
const largestExtent = 64 * 2 ** 20;
/** `Z_EROFS_COMPRESSION_LZ4` */
const lz4 = 0;

async function* readCompressed(erofs: Erofs, inode: Inode): AsyncGenerator<Uint8Array, void, void> {
  if (inode.size === 0) return;
  const { extents, tail } = await findExtents(erofs, inode);
  for (const extent of extents) yield await readExtent(erofs, extent, { tail, offset: inode.offset });
}

/** The content of a piece. `tail`: where it is if it stands in no block; `offset`: of its inode. */
export async function readExtent(
  { file, superblock: { blockSize, isPadded } }: Erofs,
  extent: CompressedExtent,
  { tail, offset }: { readonly tail: Range; readonly offset: number },
): Promise<Uint8Array> {
  const size = extent.end - extent.start;
  if (size > largestExtent) throw createFeatureError(file.name, `a compressed piece of ${size} bytes`);
  const stored =
    extent.block === undefined
      ? tail
      : { start: extent.block * blockSize, end: (extent.block + extent.blocks) * blockSize };
  if (stored.end > file.size)
    throw createDamageError(file.name, 'a compressed piece ends past the end of the file', offset);
  const bytes = await file.read(stored.start, stored.end);
  return unpackExtent(bytes, { extent, size, isPadded }, () =>
    createDamageError(file.name, 'a compressed piece cannot be unpacked', stored.start),
  );
}

interface Unpacking {
  readonly extent: CompressedExtent;
  readonly size: number;
  readonly isPadded: boolean;
}

function unpackExtent(
  bytes: Uint8Array,
  { extent, size, isPadded }: Unpacking,
  fail: () => Error,
): Uint8Array {
  if (extent.isPlain) {
    if (size > bytes.length) throw fail();
    return bytes.subarray(0, size);
  }
  const first = isPadded ? bytes.findIndex((byte) => byte !== 0) : 0;
  const output = new Uint8Array(size);
  if (first < 0 || !unpackBlock(bytes.subarray(first), output)) throw fail();
  return output;
}

/** Where the pieces of a compressed file are. Errors (`invalid`): `wrapper-invalid`, `wrapper-unread`. */
export async function findExtents(
  { file, superblock }: Erofs,
  inode: Inode,
): Promise<{ readonly extents: readonly CompressedExtent[]; readonly tail: Range }> {
  const mapAt = Math.ceil(inode.end / 8) * 8;
  const bytes = Buffer.from(await file.read(mapAt, mapAt + mapSize));
  if (bytes.length < mapSize)
    throw createDamageError(file.name, 'a compressed file has no map', inode.offset);
  const map = parseMap(bytes);
  if (map.isFragment || (map.advice & (advices.fragment | advices.interlaced)) !== 0)
    throw createFeatureError(file.name, 'files that share fragments (mkfs.erofs -Efragments)');
  if (map.algorithm !== lz4)
    throw createFeatureError(file.name, `a compression (${map.algorithm}) other than LZ4`);
  if (map.clusterSize !== newBlockSize || superblock.blockSize !== newBlockSize)
    throw createFeatureError(file.name, `compressed blocks of another size than ${newBlockSize} bytes`);
  const clusters = Math.ceil(inode.size / map.clusterSize);
  const shape = { layout: inode.layout, clusters, mapAt, map };
  const records = locateRecords(shape);
  if (records.end > file.size)
    throw createDamageError(file.name, 'the map of a compressed file ends past the end of the file', mapAt);
  const parsed = parseRecords(Buffer.from(await file.read(records.start, records.end)), shape);
  const extents = listExtents(parsed, { size: inode.size, map });
  if (extents === undefined)
    throw createDamageError(file.name, 'a compressed file has a map that contradicts itself', mapAt);
  return { extents, tail: { start: records.end, end: records.end + map.inlineSize } };
}
