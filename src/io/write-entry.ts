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
  writeSync,
} from 'node:fs';
import { encodePath } from '../format/path.js';
import type { Bytes, Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';

// Synchronous calls: an entry is six of them, and the thread pool costs more than each call does.

/** What of an entry a folder shows. */
export interface Attributes {
  /** Whether files get their owner; a chown asks for root. */
  readonly owner: boolean;
  /** Permission bits for a regular file or a directory. */
  mode(entry: Entry): number;
}

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

/**
 * Creates a regular file with the entry's body and metadata. The name must be free: O_EXCL and
 * O_NOFOLLOW make an existing one, a symlink above all, an error. `body-size` when the body has another length.
 */
export async function writeRegularFile(
  at: Buffer,
  entry: Entry,
  body: Bytes | undefined,
  attributes = exactAttributes,
): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = openSync(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    let size = 0;
    for await (const piece of body ?? []) {
      writeAll(file, piece);
      size += piece.length;
      if (size > entry.size) break;
    }
    if (size !== entry.size) throw createSizeError(entry, size);
    // chown clears setuid and setgid, so the mode comes after it; every write moves the mtime.
    if (attributes.owner) fchownSync(file, ownerOf(entry.uid), ownerOf(entry.gid));
    fchmodSync(file, attributes.mode(entry));
    futimesSync(file, entry.mtime, entry.mtime);
  } finally {
    closeSync(file);
  }
}

export function writeSymlink(at: Buffer, entry: Entry, attributes = exactAttributes): void {
  symlinkSync(Buffer.from(encodePath(entry.target ?? '')), at);
  if (attributes.owner) lchownSync(at, ownerOf(entry.uid), ownerOf(entry.gid));
  lutimesSync(at, entry.mtime, entry.mtime);
}

/** For a directory that is known to be one; to be called again when something was made inside. */
export function finishDirectory(at: Buffer, entry: Entry, attributes = exactAttributes): void {
  if (attributes.owner) lchownSync(at, ownerOf(entry.uid), ownerOf(entry.gid));
  chmodSync(at, attributes.mode(entry));
  utimesSync(at, entry.mtime, entry.mtime);
}

function writeAll(file: number, piece: Uint8Array): void {
  for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
}

function createSizeError(entry: Entry, found: number): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'body-size',
    `the body of ${entry.path} has ${found > entry.size ? 'more than ' : ''}${Math.min(found, entry.size)} bytes, its header says ${entry.size}`,
    { path: entry.path },
  );
}
