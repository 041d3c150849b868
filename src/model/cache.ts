import type { Bytes } from './entry.js';

/**
 * `member`: compressed runs; `scan`: what is in an image file; `base`: what an engine keeps of it elsewhere;
 * `steps`: what steps did; `package`: downloads.
 */
export type CacheKind = 'member' | 'scan' | 'base' | 'steps' | 'package';

/** A kept file, whole and as it was written; closing it is the reader's part. Valid also when it is trimmed away. */
export interface CachedFile extends AsyncDisposable {
  readonly size: number;
  /** The bytes from `offset` up to `end`. */
  read(offset: number, end: number): Promise<Uint8Array>;
}

/**
 * Bytes kept under the hash of what they were made from. A cache never makes a build fail: what cannot be
 * read or is damaged is not there, what cannot be written is not kept.
 */
export interface Cache {
  /** False for `--no-cache`: then nothing is kept in other places either. */
  readonly keeps: boolean;
  has(kind: CacheKind, key: string): Promise<boolean>;
  read(kind: CacheKind, key: string): Promise<Uint8Array | undefined>;
  /** For what is too large to be held; undefined as in `read`. */
  open(kind: CacheKind, key: string): Promise<CachedFile | undefined>;
  write(kind: CacheKind, key: string, content: Uint8Array | Bytes): Promise<void>;
}
