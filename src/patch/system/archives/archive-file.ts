import { showPath } from '../../../format/path.js';
import type { EntryType } from '../../../model/image/entry.js';

export interface ArchiveFile {
  /** As `Entry.path`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: string | undefined;
  readonly content?: Uint8Array | undefined;
}

/** Bytes that an archive may unpack to. */
export const largestArchive = 512 * 1024 * 1024;
/** The name of a file in an archive as `Entry.path`. */
export function normalizeName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0') || name.includes('\\'))
    throw new Error(`found the name ${showPath(name)}, wanted one that leads to a place inside`);
  return parts.join('/');
}

export function requireType(type: EntryType | undefined, path: string): ArchiveFile['type'] {
  if (type === 'file' || type === 'directory' || type === 'symlink') return type;
  const found =
    type === 'fifo' || type === 'socket' ? type : type === undefined ? 'file of an unknown type' : 'device';
  throw new Error(`found a ${found} at ${showPath(path)}, wanted files, folders and links`);
}
