import { alignUp } from '../../align-up.js';
import { layouts } from './inode.js';
import { newBlockSize } from './superblock.js';

// fs/erofs/zmap.c of Linux 6.1: a compressed file has a record for each block of its content.

/** A range of a compressed file, and where it is stored. */
export interface CompressedExtent {
  /** Bytes of the content. */
  readonly start: number;
  readonly end: number;
  /** Stored as they are. */
  readonly isPlain: boolean;
  /** In blocks; undefined: it stands behind the records. */
  readonly block: number | undefined;
  /** How many blocks are stored. */
  readonly blocks: number;
}

export const advices = {
  shortRecords: 0x1,
  bigClusters: 0x2,
  inline: 0x8,
  interlaced: 0x10,
  fragment: 0x20,
};

export interface CompressedMap {
  readonly advice: number;
  /** Bytes of the last extent if it stands behind the records. */
  readonly inlineSize: number;
  readonly algorithm: number;
  /** Bytes of the content that one record describes. */
  readonly clusterSize: number;
  readonly isFragment: boolean;
}

export const mapSize = 8;

export function parseMap(bytes: Buffer): CompressedMap {
  const bits = bytes[7] ?? 0;
  return {
    inlineSize: bytes.readUInt16LE(2),
    advice: bytes.readUInt16LE(4),
    algorithm: (bytes[6] ?? 0) & 15,
    clusterSize: 4096 * 2 ** (bits & 7),
    isFragment: bits >> 7 === 1,
  };
}

/** A decoded record. `head` and `plain`: an extent begins in this cluster. */
interface ClusterRecord {
  readonly kind: 'plain' | 'head' | 'rest';
  /** Of a head: bytes into the cluster, and its block. */
  readonly offset: number;
  readonly block: number;
  /** Only in the first record behind a head: how many blocks are stored. */
  readonly stored?: number | undefined;
}

/** What determines the size and the place of the records. */
export interface RecordShape {
  readonly layout: number;
  readonly clusters: number;
  /** Where the map begins, from the start of the file. */
  readonly mapAt: number;
  readonly map: CompressedMap;
}

const storedFlag = 0x800;
const kinds = ['plain', 'head', 'rest', 'head'] as const;

/** The range of all records, in bytes from the start of the file. */
export function locateRecords(shape: RecordShape): { readonly start: number; readonly end: number } {
  if (shape.layout === layouts.fullIndex) {
    const start = shape.mapAt + 2 * mapSize;
    return { start, end: start + 8 * shape.clusters };
  }
  const start = shape.mapAt + mapSize;
  const packs = listPacks(shape);
  return { start, end: start + packs.reduce((sum, { records, each }) => sum + records * each, 0) };
}

/** The records in order. `bytes`: all of them. */
export function parseRecords(bytes: Buffer, shape: RecordShape): ClusterRecord[] {
  return shape.layout === layouts.fullIndex ? parseFull(bytes, shape) : parsePacks(bytes, shape);
}

function parseFull(bytes: Buffer, { clusters, map }: RecordShape): ClusterRecord[] {
  return Array.from({ length: clusters }, (_, index): ClusterRecord => {
    const at = 8 * index;
    const kind = kinds[bytes.readUInt16LE(at) & 3] ?? 'plain';
    const delta = bytes.readUInt16LE(at + 4);
    const isStored = kind === 'rest' && (delta & storedFlag) !== 0 && hasBigClusters(map);
    return {
      kind,
      offset: bytes.readUInt16LE(at + 2),
      block: bytes.readUInt32LE(at + 4),
      stored: isStored ? delta & ~storedFlag : undefined,
    };
  });
}

function hasBigClusters({ advice }: CompressedMap): boolean {
  return (advice & advices.bigClusters) !== 0;
}

interface Packs {
  readonly records: number;
  /** Records of one pack, and bytes of each. */
  readonly inPack: number;
  readonly each: number;
}

/** Packs of two records up to a multiple of 32 bytes, then packs of sixteen, then of two. */
function listPacks({ clusters, map, mapAt }: RecordShape): Packs[] {
  const first = ((32 - ((mapAt + mapSize) % 32)) / 4) % 8;
  const isShort = (map.advice & advices.shortRecords) !== 0;
  const many = isShort && first < clusters ? Math.floor((clusters - first) / 16) * 16 : 0;
  const before = many === 0 ? 0 : first;
  return [
    { records: before, inPack: 2, each: 4 },
    { records: many, inPack: 16, each: 2 },
    // The last pack is whole, even for one record.
    { records: alignUp(clusters - many - before, 2), inPack: 2, each: 4 },
  ];
}

function parsePacks(bytes: Buffer, shape: RecordShape): ClusterRecord[] {
  const records: ClusterRecord[] = [];
  let at = 0;
  for (const { records: count, inPack, each } of listPacks(shape))
    for (let done = 0; done < count; done += inPack, at += inPack * each) {
      const pack = bytes.subarray(at, at + inPack * each);
      for (const record of parsePack(pack, inPack, hasBigClusters(shape.map))) records.push(record);
    }
  return records.slice(0, shape.clusters);
}

/** A pack has its records, then the block from which the extents that begin in it are counted. */
function parsePack(pack: Buffer, count: number, isBig: boolean): ClusterRecord[] {
  const bits = ((pack.length - 4) * 8) / count;
  let block = pack.readUInt32LE(pack.length - 4) + (isBig ? 0 : 1);
  return Array.from({ length: count }, (_, index): ClusterRecord => {
    const { kind, low } = readBits(pack, index * bits);
    const stored = isBig && kind === 'rest' && (low & storedFlag) !== 0 ? low & ~storedFlag : undefined;
    if (kind === 'rest') {
      block += stored ?? 0;
      return { kind, offset: 0, block: 0, stored };
    }
    const record = { kind, offset: low, block };
    const next = index + 1 < count ? readBits(pack, (index + 1) * bits) : undefined;
    const isTold = isBig && next?.kind === 'rest' && (next.low & storedFlag) !== 0;
    if (!isTold) block += 1;
    return record;
  });
}

interface PackedValue {
  readonly kind: ClusterRecord['kind'];
  readonly low: number;
}

function readBits(pack: Buffer, position: number): PackedValue {
  const at = position >> 3;
  const word = (pack[at] ?? 0) | ((pack[at + 1] ?? 0) << 8) | ((pack[at + 2] ?? 0) << 16);
  const value = word >> (position & 7);
  return { kind: kinds[(value >> 12) & 3] ?? 'plain', low: value & 0xfff };
}

/** The extents of a file of `size` bytes; undefined: its records contradict each other. */
export function listExtents(
  records: readonly ClusterRecord[],
  { size, map }: { readonly size: number; readonly map: CompressedMap },
): CompressedExtent[] | undefined {
  // A head at the end of the content only marks that end.
  const heads = records
    .map((record, index) => ({
      ...record,
      start: index * map.clusterSize + record.offset,
      next: records[index + 1],
    }))
    .filter(({ kind, start }, index) => kind !== 'rest' && (start < size || index < records.length - 1));
  // An extent begins in the block of its record.
  if (heads[0]?.start !== 0 || heads.some(({ offset }) => offset >= map.clusterSize)) return undefined;
  const isInline = (map.advice & advices.inline) !== 0 && map.inlineSize > 0;
  const extents = heads.map(({ start, kind, block, next }, index): CompressedExtent => {
    // Its records may claim more, but what stands behind them fits into a block.
    const isBehind = isInline && index === heads.length - 1;
    return {
      start,
      end: Math.min(heads[index + 1]?.start ?? size, size),
      isPlain: kind === 'plain',
      block: isBehind ? undefined : block,
      blocks: next?.kind === 'rest' && !isBehind ? (next.stored ?? 1) : 1,
    };
  });
  return extents.every(({ start, end }) => start < end) ? extents : undefined;
}

/** The map of a new compressed file, and the reserved bytes behind it. */
export function encodeMap(): Buffer {
  const bytes = Buffer.alloc(2 * mapSize);
  bytes.writeUInt16LE(advices.bigClusters, 4);
  return bytes;
}

/**
 * A kernel takes the last extent to go on to the end of its block, and refuses a plain one that would then be longer than what is
 * stored: as if another one began there, the last record has the end of the content, unless it says how much is stored.
 */
function markEnd(
  bytes: Buffer,
  size: number,
  { head, blocks }: { readonly head: number; readonly blocks: number },
): void {
  const last = Math.floor(size / newBlockSize);
  const at = 8 * last;
  if (at >= bytes.length || head === last || (head + 1 === last && blocks > 1)) return;
  bytes.fill(0, at);
  bytes.writeUInt16LE(kinds.indexOf('plain'), at);
  bytes.writeUInt16LE(size % newBlockSize, at + 2);
}

/** The records of a whole file, one for each block of its content. `extents`: in order, and no two begin in the same block. */
export function encodeExtents(extents: readonly CompressedExtent[], size: number): Buffer {
  const count = Math.ceil(size / newBlockSize);
  const bytes = Buffer.alloc(8 * count);
  const heads = extents.map(({ start }) => Math.floor(start / newBlockSize));
  for (const [index, { start, isPlain, block = 0, blocks }] of extents.entries()) {
    const head = heads[index] ?? 0;
    const next = heads[index + 1] ?? count;
    bytes.writeUInt16LE(kinds.indexOf(isPlain ? 'plain' : 'head'), 8 * head);
    bytes.writeUInt16LE(start % newBlockSize, 8 * head + 2);
    bytes.writeUInt32LE(block, 8 * head + 4);
    for (let record = head + 1; record < next; record += 1) {
      const back = record - head;
      bytes.writeUInt16LE(kinds.indexOf('rest'), 8 * record);
      // A kernel goes on from the record that a distance leads to.
      bytes.writeUInt16LE(back === 1 ? storedFlag | blocks : Math.min(back, storedFlag - 1), 8 * record + 4);
      bytes.writeUInt16LE(Math.min(next - record, 0xffff), 8 * record + 6);
    }
  }
  markEnd(bytes, size, { head: heads.at(-1) ?? 0, blocks: extents.at(-1)?.blocks ?? 0 });
  return bytes;
}
