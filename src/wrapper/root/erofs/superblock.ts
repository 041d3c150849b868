import { crc32c } from './crc32c.js';

// fs/erofs/erofs_fs.h of Linux 6.1; little endian.
export const superblockOffset = 1024;
export const superblockSize = 128;
const erofsMagic = 0xe0f5e1e2;

/** Bytes of a block of a new file system; an old one may have another size. */
export const newBlockSize = 4096;

/** `feature_incompat`: those of compressed files, and of chunks. */
const features = { zeroPadding: 0x1, bigClusters: 0x2, chunks: 0x4 };
/** Those up to long prefixes of attributes; what a file needs of them is looked at where it is read. Later ones change inodes. */
const knownFeatures = 0x7f;
/** `feature_compat`: the superblock has a checksum. */
const hasSum = 0x1;

export interface Superblock {
  /** Bytes. */
  readonly blockSize: number;
  readonly rootId: number;
  /** The time of inodes of the short form. */
  readonly time: number;
  readonly nanoseconds: number;
  /** In blocks. */
  readonly inodesAt: number;
  readonly sharedAt: number;
  readonly blocks: number;
  readonly uuid: Uint8Array;
  readonly volume: Uint8Array;
  /** Whether files may be compressed. */
  readonly isCompressed: boolean;
  /** Bits of `feature_incompat` that are not known here: a kernel mounts nothing with one that it does not know. */
  readonly unknown: number;
  /** Whether the zeros of a compressed piece stand in front of it. */
  readonly isPadded: boolean;
  /** The checksum; absent: it has none. */
  readonly sum?: number | undefined;
}

/** Undefined: not an erofs, or a block size that no kernel knows. `bytes`: from `superblockOffset` on. */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < superblockSize || bytes.readUInt32LE(0) !== erofsMagic) return undefined;
  const blockBits = bytes[12] ?? 0;
  if (blockBits < 9 || blockBits > 16) return undefined;
  const incompatible = bytes.readUInt32LE(80);
  return {
    blockSize: 2 ** blockBits,
    rootId: bytes.readUInt16LE(14),
    time: Number(bytes.readBigUInt64LE(24)),
    nanoseconds: bytes.readUInt32LE(32),
    blocks: bytes.readUInt32LE(36),
    inodesAt: bytes.readUInt32LE(40),
    sharedAt: bytes.readUInt32LE(44),
    uuid: Buffer.from(bytes.subarray(48, 64)),
    volume: Buffer.from(bytes.subarray(64, 80)),
    isCompressed: (incompatible & (features.zeroPadding | features.bigClusters)) !== 0,
    unknown: (incompatible & ~knownFeatures) >>> 0,
    isPadded: (incompatible & features.zeroPadding) !== 0,
    sum: (bytes.readUInt32LE(8) & hasSum) === 0 ? undefined : bytes.readUInt32LE(4),
  };
}

/** The checksum of a superblock that begins here and goes on to the end of its block (fs/erofs/super.c of Linux). */
export function sumSuperblock(bytes: Buffer): number {
  const plain = Buffer.from(bytes);
  plain.writeUInt32LE(0, 4);
  return crc32c(plain);
}

/** How many bytes the checksum covers. */
export function sumSize({ blockSize }: Pick<Superblock, 'blockSize'>): number {
  return blockSize > superblockOffset ? blockSize - superblockOffset : blockSize;
}

export interface NewSuperblock
  extends Pick<Superblock, 'rootId' | 'time' | 'nanoseconds' | 'inodesAt' | 'blocks' | 'uuid' | 'volume'> {
  readonly inodes: number;
  readonly isCompressed: boolean;
  readonly hasChunks: boolean;
  /** The most blocks of a compressed piece. */
  readonly largest: number;
}

/** The farthest distance of a match. */
const lz4Distance = 65535;

/** The first block. */
export function encodeSuperblock(fields: NewSuperblock): Buffer {
  const block = Buffer.alloc(newBlockSize);
  const bytes = block.subarray(superblockOffset);
  bytes.writeUInt32LE(erofsMagic, 0);
  bytes.writeUInt32LE(hasSum, 8);
  bytes[12] = Math.log2(newBlockSize);
  bytes.writeUInt16LE(fields.rootId, 14);
  bytes.writeBigUInt64LE(BigInt(fields.inodes), 16);
  bytes.writeBigUInt64LE(BigInt(fields.time), 24);
  bytes.writeUInt32LE(fields.nanoseconds, 32);
  bytes.writeUInt32LE(fields.blocks, 36);
  bytes.writeUInt32LE(fields.inodesAt, 40);
  bytes.set(fields.uuid, 48);
  bytes.set(fields.volume, 64);
  if (fields.hasChunks) bytes.writeUInt32LE(features.chunks, 80);
  if (fields.isCompressed) {
    bytes.writeUInt32LE(features.zeroPadding | features.bigClusters, 80);
    // A bit for each algorithm; its configuration stands behind the superblock.
    bytes.writeUInt16LE(1, 84);
    bytes.writeUInt16LE(14, superblockSize);
    bytes.writeUInt16LE(lz4Distance, superblockSize + 2);
    bytes.writeUInt16LE(fields.largest, superblockSize + 4);
  }
  bytes.writeUInt32LE(sumSuperblock(bytes), 4);
  return block;
}
