/** Names as the kernel's decompressor table has them (lib/decompress.c), `none` for a raw archive. */
export type Codec = 'none' | 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd';

export interface Compression {
  readonly codec: Codec;
  /** The level that wrote it, as far as its header says (gzip's XFL byte: the extremes). */
  readonly level?: 'fastest' | 'best' | number | undefined;
  /** Bytes of the dictionary that a reader must hold: xz and lzma. */
  readonly dictionary?: number | undefined;
}

/** A run of bytes of the image file; the segments of a layout cover the file without a gap. */
export interface Segment {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly end: number;
  /**
   * `opaque`: bytes at which the kernel stops reading; it boots with the segments before them. `bootconfig`: a boot
   * configuration with its trailer, always the last.
   */
  readonly kind: 'cpio' | 'padding' | 'opaque' | 'bootconfig';
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

/** One of several files that were joined to an image, as boot loaders do it: each begins at a multiple of four. */
export interface LayoutFile {
  /** As the user gave it. */
  readonly name: string;
  /** Bytes from the start of the image; zeros between two files belong to neither. */
  readonly offset: number;
  readonly end: number;
  /** Hex digest of the file. */
  readonly sha256: string;
}

export interface Layout {
  readonly size: number;
  readonly sha256: string;
  readonly segments: readonly Segment[];
  /** The index of the segment that new entries go to: the one that brings `/init`. */
  readonly root: number;
  /** Absent for an image that is one file. No segment belongs to two of them. */
  readonly files?: readonly LayoutFile[] | undefined;
}

/** Where a compressed member stands in a file, in bytes from its start. */
export interface MemberRange {
  readonly offset: number;
  readonly end: number;
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
