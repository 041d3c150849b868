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
import { writeAllSync } from '../io/file/read-write.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes, Entry } from '../model/image/entry.js';

// Synchronous: an entry takes six system calls, and the thread pool costs more than each call does.

/** Which metadata of an entry a folder gets. */
export interface Attributes {
  /** Whether files get their owner; a chown asks for root. */
  readonly owner: boolean;
  /** Permission bits for a regular file or a directory. */
  mode(entry: Pick<Entry, 'type' | 'mode'>): number;
}

/** The metadata that is set once an entry exists. */
export type Metadata = Pick<Entry, 'type' | 'mode' | 'uid' | 'gid' | 'mtime'>;

/** Everything, as a kernel would make it. */
export const exactAttributes: Attributes = { owner: true, mode: (entry) => entry.mode };

/**
 * What any user may create, the same for root: no owners and no setuid bits, since these programs are not of this
 * machine; and the folder's owner can read and change all of it.
 */
export const plainAttributes: Attributes = {
  owner: false,
  mode: ({ type, mode }) => (type === 'directory' ? (mode & 0o1777) | 0o700 : (mode & 0o777) | 0o600),
};

// 4294967295 means "leave it" to chown(2); for an entry of an archive the kernel leaves the 0 it has.
const ownerOf = (id: number) => (id === 0xffffffff ? 0 : id);

/** A new, open regular file. */
export interface NewFile {
  write(piece: Uint8Array): void;
  finish(metadata: Metadata): void;
  close(): void;
}

/** The name must be free: O_EXCL and O_NOFOLLOW make an existing file, a symlink above all, an error. */
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
 * Creates a regular file with the entry's body and metadata; as of `createRegularFile`, the name must be free.
 * Error `body-size`: the body has another length.
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

/** Sets the metadata of what is known to be a directory or regular file; again after a name was made in a directory. */
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
