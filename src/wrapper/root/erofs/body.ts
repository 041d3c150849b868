import type { InputFile } from '../../../io/file/input-file.js';
import { readPieces } from '../../../io/file/read-write.js';
import type { Bytes } from '../../../model/image/entry.js';
import { alignUp } from '../../align-up.js';
import { unpackBlock } from '../lz4-block.js';
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
      throw createDamageError(erofs.file, `an inode has the unknown layout ${inode.layout}`, inode.offset);
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
    throw createDamageError(file, `the content ends at ${end}, past the end of the file`, inode.offset);
  yield* readPieces(file, start, end);
}

const noBlock = 0xffffffff;
const zeros = new Uint8Array(256 * 1024);

/** Bytes of each chunk: the low bits of the format say how many blocks it has. */
export function measureChunk({ place }: Pick<Inode, 'place'>, blockSize: number): number {
  return blockSize * 2 ** (place & 0x1f);
}

/** Reads chunks of one size, each at a block of its own; a chunk without a block is a hole. */
async function* readChunks(erofs: Erofs, inode: Inode): AsyncGenerator<Uint8Array, void, void> {
  const {
    file,
    superblock: { blockSize },
  } = erofs;
  const isIndexed = (inode.place & 0x20) !== 0;
  const chunk = measureChunk(inode, blockSize);
  const each = isIndexed ? 8 : 4;
  const table = alignUp(inode.end, each);
  if (table + each * Math.ceil(inode.size / chunk) > file.size)
    throw createDamageError(file, 'a table of chunks ends past the end of the file', inode.offset);
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
  for (const group of groupExtents(extents, erofs.superblock.blockSize))
    yield await readExtents(erofs, group, { tail, offset: inode.offset });
}

type Extents = readonly [CompressedExtent, ...CompressedExtent[]];

/** Bytes that are read and unpacked at once: pieces of a few blocks would take a read and a turn each. */
const together = 512 * 1024;

/** Extents whose blocks follow each other, as many as are read at once. */
function* groupExtents(
  extents: readonly CompressedExtent[],
  blockSize: number,
): Generator<Extents, void, void> {
  let group: [CompressedExtent, ...CompressedExtent[]] | undefined;
  let next: number | undefined;
  for (const extent of extents) {
    const end = extent.block === undefined ? undefined : extent.block + extent.blocks;
    const fits =
      group !== undefined &&
      end !== undefined &&
      extent.block === next &&
      extent.end - group[0].start <= together &&
      (end - (group[0].block ?? 0)) * blockSize <= together;
    if (group !== undefined && fits) group.push(extent);
    else {
      if (group !== undefined) yield group;
      group = [extent];
    }
    next = end;
  }
  if (group !== undefined) yield group;
}

/** Where a piece is that stands in no block. */
export interface TailPlace {
  readonly tail: Range;
  /** Where the inode begins, for messages. */
  readonly offset: number;
}

/** The content of pieces whose blocks follow each other, or of the one that stands in no block. */
export async function readExtents(
  { file, superblock: { blockSize, isPadded } }: Erofs,
  extents: Extents,
  { tail, offset }: TailPlace,
): Promise<Uint8Array> {
  const [first] = extents;
  const { start, end, block, blocks } = extents.at(-1) ?? first;
  if (end - start > largestExtent)
    throw createFeatureError(file.name, `a compressed piece of ${end - start} bytes`);
  const stored =
    first.block === undefined || block === undefined
      ? tail
      : { start: first.block * blockSize, end: (block + blocks) * blockSize };
  if (stored.end > file.size)
    throw createDamageError(file, 'a compressed piece ends past the end of the file', offset);
  const bytes = await file.read(stored.start, stored.end);
  const output = new Uint8Array(end - first.start);
  for (const extent of extents) {
    const from = extent.block === undefined ? 0 : extent.block * blockSize - stored.start;
    const input = bytes.subarray(
      from,
      extent.block === undefined ? undefined : from + extent.blocks * blockSize,
    );
    const content = output.subarray(extent.start - first.start, extent.end - first.start);
    if (!unpackExtent(input, content, { isPlain: extent.isPlain, isPadded }))
      throw createDamageError(file, 'a compressed piece cannot be unpacked', stored.start + from);
  }
  return output;
}

interface Unpacking {
  readonly isPlain: boolean;
  readonly isPadded: boolean;
}

/** Whether it filled `output`. */
function unpackExtent(bytes: Uint8Array, output: Uint8Array, { isPlain, isPadded }: Unpacking): boolean {
  if (isPlain) {
    if (output.length > bytes.length) return false;
    output.set(bytes.subarray(0, output.length));
    return true;
  }
  const first = isPadded ? bytes.findIndex((byte) => byte !== 0) : 0;
  return first >= 0 && unpackBlock(bytes.subarray(first), output);
}

/** Where the pieces of a compressed file are. Errors (`invalid`): `wrapper-invalid`, `wrapper-unread`. */
export async function findExtents(
  { file, superblock }: Erofs,
  inode: Inode,
): Promise<{ readonly extents: readonly CompressedExtent[]; readonly tail: Range }> {
  const mapAt = alignUp(inode.end, 8);
  const bytes = Buffer.from(await file.read(mapAt, mapAt + mapSize));
  if (bytes.length < mapSize) throw createDamageError(file, 'a compressed file has no map', inode.offset);
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
    throw createDamageError(file, 'the map of a compressed file ends past the end of the file', mapAt);
  const parsed = parseRecords(Buffer.from(await file.read(records.start, records.end)), shape);
  const extents = listExtents(parsed, { size: inode.size, map });
  if (extents === undefined)
    throw createDamageError(file, 'a compressed file has a map that contradicts itself', mapAt);
  return { extents, tail: { start: records.end, end: records.end + map.inlineSize } };
}
