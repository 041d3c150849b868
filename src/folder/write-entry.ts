import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  openSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { encodePath } from '../format/path.js';
import { writeAllSync } from '../io/read-write.js';
import type { Bytes, Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';

// Synchronous calls: an entry is six of them, and the thread pool costs more than each call does.

/** What of an entry a folder shows. */
export interface Attributes {
  /** Whether files get their owner; a chown asks for root. */
  readonly owner: boolean;
  /** Permission bits for a regular file or a directory. */
  mode(entry: Pick<Entry, 'type' | 'mode'>): number;
}

/** What of an entry is set when it is there. */
export type Metadata = Pick<Entry, 'type' | 'mode' | 'uid' | 'gid' | 'mtime'>;

/** Everything, as a kernel would make it. */
export const exactAttributes: Attributes = { owner: true, mode: (entry) => entry.mode };

/**
 * What anybody may make, the same for root: no owners and no setuid bits, since these programs are
 * strangers on this machine; and whoever owns the folder can read and change all of it.
 */
export const plainAttributes: Attributes = {
  owner: false,
  mode: ({ type, mode }) => (type === 'directory' ? (mode & 0o1777) | 0o700 : (mode & 0o777) | 0o600),
};

// 4294967295 means "leave it" to chown(2); the kernel reads it in an archive as 0.
const ownerOf = (id: number) => (id === 0xffffffff ? 0 : id);

/** A regular file that was made just now. */
export interface NewFile {
  write(piece: Uint8Array): void;
  finish(metadata: Metadata): void;
  close(): void;
}

/** The name must be free: O_EXCL and O_NOFOLLOW make an existing one, a symlink above all, an error. */
export function createRegularFile(at: Buffer, attributes: Attributes): NewFile {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = openSync(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return {
    write: (piece) => writeAllSync(file, piece),
    finish(metadata) {
      // chown clears setuid and setgid, so the mode comes after it; every write moves the mtime.
      if (attributes.owner) fchownSync(file, ownerOf(metadata.uid), ownerOf(metadata.gid));
      fchmodSync(file, attributes.mode(metadata));
      futimesSync(file, metadata.mtime, metadata.mtime);
    },
    close: () => closeSync(file),
  };
}

/**
 * Creates a regular file with the entry's body and metadata; as `createRegularFile`, the name must be free.
 * `body-size` when the body has another length.
 */
export async function writeRegularFile(
  at: Buffer,
  entry: Entry,
  body: Bytes | undefined,
  attributes = exactAttributes,
): Promise<void> {
  const file = createRegularFile(at, attributes);
  try {
    let size = 0;
    for await (const piece of body ?? []) {
      file.write(piece);
      size += piece.length;
      if (size > entry.size) break;
    }
    if (size !== entry.size) throw createSizeError(entry, size);
    file.finish(entry);
  } finally {
    file.close();
  }
}

export function writeSymlink(at: Buffer, entry: Entry, attributes = exactAttributes): void {
  symlinkSync(Buffer.from(encodePath(entry.target ?? '')), at);
  if (attributes.owner) lchownSync(at, ownerOf(entry.uid), ownerOf(entry.gid));
  lutimesSync(at, entry.mtime, entry.mtime);
}

/** For a directory or regular file that is known to be one; again when something was made in a directory. */
export function finishDirectory(at: Buffer, entry: Entry, attributes = exactAttributes): void {
  if (attributes.owner) lchownSync(at, ownerOf(entry.uid), ownerOf(entry.gid));
  chmodSync(at, attributes.mode(entry));
  utimesSync(at, entry.mtime, entry.mtime);
}

function createSizeError(entry: Entry, found: number): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'body-size',
    `the body of ${entry.path} has ${found > entry.size ? 'more than ' : ''}${Math.min(found, entry.size)} bytes, its header says ${entry.size}`,
    { path: entry.path },
  );
}
