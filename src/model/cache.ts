import type { Bytes } from './image/entry.js';

/**
 * What a cache file holds, and the folder it is in. `member`: a compressed run. `scan`: the records of an image
 * file; `members`: those of its single members. `bodies`: the files of an image that a plan reads. `import`: the
 * layers of an image imported into Docker; `root`: what such an image looks like in a container. `steps`: what the
 * first steps of a plan made. `package`: a download; `packages`: the list of an image's downloads. `verdict`: that on
 * a boot; `built`: what a target's build wrote.
 */
export type CacheKind =
  | 'member'
  | 'scan'
  | 'members'
  | 'bodies'
  | 'import'
  | 'root'
  | 'steps'
  | 'package'
  | 'packages'
  | 'verdict'
  | 'built';

/** A cached file, whole and as it was written. The reader closes it; it stays readable when the cache is trimmed. */
export interface CachedFile extends AsyncDisposable {
  readonly size: number;
  /** The bytes from `offset` up to `end`. */
  read(offset: number, end: number): Promise<Uint8Array>;
}

/**
 * Bytes under the hash of what they were made from (see `cacheEntry`). A cache never fails a build: what cannot be
 * read or is damaged is absent, and what cannot be written is dropped.
 */
export interface Cache {
  has(kind: CacheKind, key: string): Promise<boolean>;
  read(kind: CacheKind, key: string): Promise<Uint8Array | undefined>;
  /** For what is too large for memory; undefined as in `read`. */
  open(kind: CacheKind, key: string): Promise<CachedFile | undefined>;
  /** Whether the content is in the cache now. */
  write(kind: CacheKind, key: string, content: Uint8Array | Bytes): Promise<boolean>;
}

/** One place in a cache; the methods are those of `Cache`. */
export interface CacheEntry {
  has(): Promise<boolean>;
  read(): Promise<Uint8Array | undefined>;
  open(): Promise<CachedFile | undefined>;
  write(content: Uint8Array | Bytes): Promise<boolean>;
}
