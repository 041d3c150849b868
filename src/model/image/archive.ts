import type { FileAccess } from '../access.js';
import type { Bytes, Entry } from './entry.js';
import type { ArchiveRecord, Header, Layout } from './layout.js';

/**
 * What an archive is made of, in order. After `entry` come its `data` pieces and one `end`.
 * `raw`: header and name with their padding, and the body of a `trailer`.
 */
export type Token =
  | {
      readonly kind: 'entry' | 'trailer';
      readonly header: Header;
      readonly name: Uint8Array;
      /** Bytes from the start of the unpacked segment. */
      readonly position: number;
      readonly raw: Uint8Array;
    }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'end';
      /** `position` of its entry. */
      readonly entryAt?: number | undefined;
      readonly checksum: 'right' | 'wrong' | 'none';
    };

/** Batches of tokens; a batch must be read to its end before the next is asked for. */
export type Tokens = AsyncGenerator<Iterable<Token>, void, void>;

export interface TokenOptions {
  /** The caller is done with the pieces of a batch when it asks for the next: they may share one buffer. */
  readonly passing?: boolean | undefined;
}

/** Whole consecutive entries: a piece of an archive that can be compressed by itself. */
export interface ArchivedRun {
  readonly records: number;
  /** After decompression. */
  readonly bytes: number;
  /** Hex digest of its contents: equal for equal bytes. */
  readonly key: string;
}

/** An archive of nothing but entries without gaps and one TRAILER behind them. */
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

/** Why a kernel stops in an archive that can be read here, or refuses it. */
export type FaultKind =
  /** The first compressed member of the image is empty, or begins with zeros: a kernel wants an entry first. */
  | 'first-member-empty'
  | 'first-member-zeros'
  /** The last byte of a name is no NUL; `what`: the name. */
  | 'name-without-nul'
  /** A member ends inside an entry, with which the next one goes on; or in front of the padding of one. */
  | 'member-cut'
  | 'member-unpadded'
  /** The header of a record that a kernel skips reaches over the end of its buffer; `what`: the name. */
  | 'skipped-record-split'
  /** `what`: a filter of xz, or what of its filters no kernel reads. */
  | 'xz-filter';

/** A hard link across archives. */
export interface LinkLeak {
  readonly record: ArchiveRecord;
  /** The name as it was written, and its segment. */
  readonly first: Pick<ArchiveRecord, 'name' | 'segment'>;
}

export interface ArchiveFault {
  readonly kind: FaultKind;
  /** Index into `Layout.segments`. */
  readonly segment: number;
  /** Bytes from the start of the file: of the member, or of the record in a raw archive. */
  readonly offset: number;
  readonly what?: string | undefined;
}

/** What a record referred to when the kernel read it; later records may have changed it. */
export interface PlacedRecord {
  /** Canonical. */
  readonly path: string;
  /** The same number for every record of one file; 0 when no file came of it. */
  readonly inode: number;
}

/** None for a record that has no place in the tree. */
export interface Placements {
  get(record: ArchiveRecord): PlacedRecord | undefined;
}

/** An entry that came out of an archive: where its last header and its body stand. */
export interface ImageEntry extends Entry {
  readonly record: ArchiveRecord;
  /** The record whose body the file has in the end (hard links: any of the group's). */
  readonly data: ArchiveRecord;
}

/**
 * Everything that can be read of an initrd, wherever it comes from: a file, a sidecar with its folder or tar,
 * memory.
 */
export interface Archive {
  /** What messages call it. */
  readonly name: string;
  readonly layout: Layout;
  /** Who may read the file that it is in; absent for one that is in none. */
  readonly access?: FileAccess | undefined;
  readonly records: readonly ArchiveRecord[];
  /** What the running system will see, parents before their children. A path may give a new object each time. */
  readonly entries: ReadonlyMap<string, ImageEntry>;
  readonly dropped: readonly DroppedRecord[];
  readonly placed: Placements;
  /** Records that became a name of a file of an earlier segment, since no TRAILER stands between them. */
  readonly leaks: readonly LinkLeak[];
  /** The boot configuration at the end: one character a byte, without the zeros behind it. */
  readonly bootconfig?: string | undefined;
  /** Hex SHA-256 of the bodies for which it is known. */
  readonly digests: ReadonlyMap<ArchiveRecord, string>;
  /** The records of a segment with their bodies; nothing for a segment that is no archive. */
  tokens(segment: number, options?: TokenOptions): Tokens;
  /** A segment as it stands in the file; undefined where only its records are known. */
  raw(segment: number): Bytes | undefined;
  /** Reads such a segment into the caller's buffer, from `at` bytes behind its start. Returns how many bytes: 0 at its end. */
  fill?(segment: number, bytes: Uint8Array, at: number): number;
  /**
   * One pass over the archive that visits the wanted records' bodies in file order.
   * A body that is not read to its end is skipped; it is invalid after the next step.
   */
  bodies(wanted: ReadonlySet<ArchiveRecord>): AsyncIterable<readonly [ArchiveRecord, Bytes]>;
}

/** An archive in an open file. Disposing closes the file; no body can be read after that. */
export interface Image extends Archive, AsyncDisposable {
  /** The path of the file with these bytes: the named one, or a spooled copy of standard input. */
  readonly file: string;
  readonly access: FileAccess;
  /** The first of each kind in each segment. */
  readonly faults: readonly ArchiveFault[];
  /** By segment; only for plain archives whose runs are known. */
  readonly runs: ReadonlyMap<number, ArchiveRuns>;
  raw(segment: number): Bytes;
  /** Copies the file to a path that is free, in the kernel: where the file system can share the bytes, they are not copied. */
  copy(destination: string): Promise<void>;
}
