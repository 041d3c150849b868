export type EntryType = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** Bytes in pieces; a piece is valid until the next one is requested. */
export type Bytes = AsyncIterable<Uint8Array>;

/**
 * One name in a root file system.
 *
 * `path` has no leading, trailing or double slash and no `.` or `..`; the root itself is `''`.
 * A byte that is not UTF-8 stands in it as U+DC80 to U+DCFF (the "surrogate escape"), so that
 * every name a kernel accepts has one key and comes back as the same bytes (format/path.ts).
 */
export interface Entry {
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, 0 to 2^32 - 1 (the newc field is unsigned and 32 bits wide). */
  readonly mtime: number;
  /** Bytes of a regular file's body; of a symlink's target; 0 for every other type. */
  readonly size: number;
  /** Symlinks only; at most 4095 bytes, in the same notation as `path` but otherwise as written. */
  readonly target?: string | undefined;
  /** Character and block devices only. */
  readonly device?: Device | undefined;
  /** The same string on every name of one hard-link group; absent when the file has one name. */
  readonly link?: string | undefined;
  /** Hex SHA-256 of the body of a regular file, where it was taken already. */
  readonly sha256?: string | undefined;
  /** The body of a regular file, from its start, at every call; nothing for every other type. */
  body(): Bytes;
}

/** What a difference in metadata is made of: all fields of an entry but its name and its body. */
export type EntryField =
  | 'type'
  | 'mode'
  | 'uid'
  | 'gid'
  | 'mtime'
  | 'size'
  | 'target'
  | 'device'
  | 'link'
  | 'content';
