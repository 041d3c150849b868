import type { Bytes, Entry } from './entry.js';

/** Names as the kernel's decompressor table has them (lib/decompress.c), `none` for a raw archive. */
export type Codec = 'none' | 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd';

export interface Compression {
  readonly codec: Codec;
  /** What the header tells of the level that wrote it (gzip's XFL byte: the extremes); absent when it tells nothing. */
  readonly level?: 'fastest' | 'best' | number | undefined;
  /** Bytes of the dictionary that whoever reads it must hold: xz and lzma. */
  readonly dictionary?: number | undefined;
}

/** A run of bytes of the image file; the segments of a layout cover the file without a gap. */
export interface Segment {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly end: number;
  /** `opaque`: bytes in which the kernel stops reading; it boots with what came before them. */
  readonly kind: 'cpio' | 'padding' | 'opaque';
  readonly compression: Compression;
  /** Compressed members (gzip) that make up this segment; 1 for a raw archive, 0 for padding. */
  readonly members: number;
  /** Records of the archive, the TRAILER not counted. */
  readonly entries: number;
  /** Bytes after decompression. */
  readonly unpacked: number;
  /** Whether a TRAILER record ends it; without one the kernel's hard-link table leaks onwards. */
  readonly trailer: boolean;
  /** Hex digest of the bytes as they stand in the file. */
  readonly sha256: string;
}

export interface Layout {
  readonly size: number;
  readonly sha256: string;
  readonly segments: readonly Segment[];
  /** The index of the segment that new entries go to: the one that brings `/init`. */
  readonly root: number;
}

/** The fields of a newc header (include/linux/initramfs documentation "buffer format"). */
export interface Header {
  readonly magic: '070701' | '070702';
  readonly ino: number;
  /** Type and permission bits, as in `stat`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly mtime: number;
  readonly filesize: number;
  readonly devmajor: number;
  readonly devminor: number;
  readonly rdevmajor: number;
  readonly rdevminor: number;
  /** Bytes of the name with its NUL. */
  readonly namesize: number;
  /** Sum of the body's bytes modulo 2^32 in 070702, otherwise ignored. */
  readonly check: number;
}

/** One entry as it stands in an archive, before the kernel makes a file system of all of them. */
export interface ArchiveRecord {
  /** Index into `Layout.segments`. */
  readonly segment: number;
  /** Position among the records of the whole image. */
  readonly index: number;
  /** Bytes from the start of the unpacked segment to the header. */
  readonly position: number;
  readonly header: Header;
  /** The name as written (`./bin/sh`, `/bin/sh`), in the notation of `Entry.path`. */
  readonly name: string;
  readonly target?: string | undefined;
}

/** Whole entries that stand behind each other: a piece of an archive that can be compressed by itself. */
export interface ArchivedRun {
  readonly records: number;
  /** After decompression. */
  readonly bytes: number;
  /** Hex digest of all that is in it: equal for equal bytes. */
  readonly key: string;
}

/** An archive that is nothing but entries without gaps and one TRAILER behind them. */
export interface ArchiveRuns {
  readonly runs: readonly ArchivedRun[];
  /** The TRAILER with its name and padding, as it is written, and its body if it has one. */
  readonly trailer: Uint8Array;
}

/** A record that the kernel will not turn into a file, and why. */
export interface DroppedRecord {
  readonly record: ArchiveRecord;
  readonly reason: string;
}

/** What a record was about when the kernel came to it: later ones may have changed it. */
export interface PlacedRecord {
  /** Canonical. */
  readonly path: string;
  /** The same number for every record of one file; 0 when no file came of it. */
  readonly inode: number;
}

/** An entry that came out of an image: where its last header and its body stand. */
export interface ImageEntry extends Entry {
  readonly record: ArchiveRecord;
  /** The record whose body the file has in the end (hard links: any of the group's). */
  readonly data: ArchiveRecord;
}

/** An image file, opened and wholly read once. Closing it invalidates every body. */
export interface Image extends AsyncDisposable {
  /** The name messages use: the path as the user gave it. */
  readonly name: string;
  /** A file that holds the exact bytes: the named one, or a spooled copy of standard input. */
  readonly file: string;
  readonly layout: Layout;
  readonly records: readonly ArchiveRecord[];
  /** What the running system will see, parents before what is in them. */
  readonly entries: ReadonlyMap<string, ImageEntry>;
  readonly dropped: readonly DroppedRecord[];
  /** By `ArchiveRecord.index`; none for a record that has no place in the tree. */
  readonly placed: readonly (PlacedRecord | undefined)[];
  /** Hex SHA-256 of bodies, as far as they were taken when the image was read. */
  readonly digests: ReadonlyMap<ArchiveRecord, string>;
  /** By segment; only with digests, and only for plain archives. */
  readonly runs: ReadonlyMap<number, ArchiveRuns>;
  /** The bytes of the file from `offset` up to `end`. */
  bytes(offset: number, end: number): Bytes;
  /**
   * One pass over the image that visits the wanted records' bodies in file order.
   * A body that is not read to its end is skipped; it is invalid after the next step.
   */
  bodies(wanted: ReadonlySet<ArchiveRecord>): AsyncIterable<readonly [ArchiveRecord, Bytes]>;
}
