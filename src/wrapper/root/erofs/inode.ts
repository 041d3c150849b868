import { createMode, parseType } from '../../../format/mode.js';
import type { EntryType } from '../../../model/image/entry.js';
import type { Superblock } from './superblock.js';

/** The id of an inode counts slots of this many bytes. */
export const slotSize = 32;
export const longInodeSize = 64;

/** How the content is stored: `EROFS_INODE_*`. */
export const layouts = { plain: 0, fullIndex: 1, inline: 2, compactIndex: 3, chunks: 4 } as const;

/** Whether its content is compressed. */
export function isPacked({ layout }: Pick<Inode, 'layout'>): boolean {
  return layout === layouts.fullIndex || layout === layouts.compactIndex;
}

export interface Inode {
  readonly id: number;
  /** Where the inode begins, and where its extended attributes end, in bytes from the start of the file. */
  readonly offset: number;
  readonly end: number;
  /** Bytes of the extended attributes. */
  readonly attributesSize: number;
  readonly layout: number;
  /** Undefined: a type that Linux does not know. */
  readonly type: EntryType | undefined;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  /** The first block, a device number or the format of the chunks. */
  readonly place: number;
  readonly uid: number;
  readonly gid: number;
  readonly time: number;
  readonly nanoseconds: number;
}

export function locateInode({ inodesAt, blockSize }: Superblock, id: number): number {
  return inodesAt * blockSize + id * slotSize;
}

/** Undefined: the bytes are too few, or the size is impossible. */
export function parseInode(bytes: Buffer, id: number, superblock: Superblock): Inode | undefined {
  if (bytes.length < slotSize) return undefined;
  const format = bytes.readUInt16LE(0);
  const isLong = (format & 1) === 1;
  if (isLong && bytes.length < longInodeSize) return undefined;
  const count = bytes.readUInt16LE(2);
  const offset = locateInode(superblock, id);
  const mode = bytes.readUInt16LE(4);
  const attributesSize = count === 0 ? 0 : 12 + 4 * (count - 1);
  const size = isLong ? Number(bytes.readBigUInt64LE(8)) : bytes.readUInt32LE(8);
  if (!Number.isSafeInteger(size)) return undefined;
  return {
    id,
    offset,
    end: offset + (isLong ? longInodeSize : slotSize) + attributesSize,
    attributesSize,
    layout: (format >> 1) & 7,
    type: parseType(mode),
    mode: mode & 0o7777,
    links: isLong ? bytes.readUInt32LE(44) : bytes.readUInt16LE(6),
    size,
    place: bytes.readUInt32LE(16),
    uid: isLong ? bytes.readUInt32LE(24) : bytes.readUInt16LE(24),
    gid: isLong ? bytes.readUInt32LE(28) : bytes.readUInt16LE(26),
    time: clampTime(isLong ? bytes.readBigInt64LE(32) : BigInt(superblock.time)),
    nanoseconds: isLong ? bytes.readUInt32LE(40) % 1e9 : superblock.nanoseconds % 1e9,
  };
}

function clampTime(time: bigint): number {
  return Number(time < 0n ? 0n : time > 0xffffffffn ? 0xffffffffn : time);
}

export interface NewInode
  extends Pick<Inode, 'layout' | 'type' | 'mode' | 'links' | 'size' | 'place' | 'uid' | 'gid'> {
  readonly type: EntryType;
  /** `i_xattr_icount` */
  readonly attributes: number;
  /** The inode number that programs show. */
  readonly number: number;
  readonly mtime: number;
  readonly nanoseconds: number;
}

/** In the long form. */
export function encodeInode(inode: NewInode): Buffer {
  const bytes = Buffer.alloc(longInodeSize);
  bytes.writeUInt16LE(1 | (inode.layout << 1), 0);
  bytes.writeUInt16LE(inode.attributes, 2);
  bytes.writeUInt16LE(createMode(inode.type, inode.mode), 4);
  bytes.writeBigUInt64LE(BigInt(inode.size), 8);
  bytes.writeUInt32LE(inode.place, 16);
  bytes.writeUInt32LE(inode.number, 20);
  bytes.writeUInt32LE(inode.uid, 24);
  bytes.writeUInt32LE(inode.gid, 28);
  bytes.writeBigUInt64LE(BigInt(inode.mtime), 32);
  bytes.writeUInt32LE(inode.nanoseconds, 40);
  bytes.writeUInt32LE(inode.links, 44);
  return bytes;
}
