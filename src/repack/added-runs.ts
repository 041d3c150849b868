import { createHash } from 'node:crypto';
import { isRunStart } from '../compress/piece.js';
import { encodePadding, encodeRecord } from '../format/cpio/cpio-writer.js';
import { createMode } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import type { Inodes } from './inodes.js';

/** A record to write; `head` is everything before the body. */
export interface NewRecord {
  readonly head: Uint8Array;
  /** The entry whose body follows the head; absent for an empty body. */
  readonly file: Entry | undefined;
  /** Bytes with padding. */
  readonly size: number;
}

/** Records that become one member. */
export interface AddedRun {
  readonly records: readonly NewRecord[];
  /** Where it begins, in bytes from the start of the first run. */
  readonly position: number;
  readonly bytes: number;
  /** As in `ArchivedRun`; undefined when a body would have to be read for it. */
  readonly key: string | undefined;
}

/** `old`: the record whose place the new one takes. */
export function createNewRecord(
  entry: Entry,
  old: ArchiveRecord | undefined,
  inodes: Inodes,
  segment: number,
): NewRecord {
  const { ino, nlink, devmajor, devminor, first } = inodes.identify(entry, old, segment);
  const target = entry.type === 'symlink' ? encodePath(entry.target ?? '') : undefined;
  const filesize = target?.length ?? (entry.type === 'file' && first ? entry.size : 0);
  const raw = encodeRecord(
    {
      mode: createMode(entry.type, entry.mode),
      uid: entry.uid,
      gid: entry.gid,
      mtime: entry.mtime,
      filesize,
      ino,
      nlink,
      devmajor,
      devminor,
      rdevmajor: entry.device?.major ?? 0,
      rdevminor: entry.device?.minor ?? 0,
    },
    old === undefined ? inodes.name(entry.path, segment) : encodePath(old.name),
  );
  return {
    head: target === undefined ? raw : Buffer.concat([raw, target]),
    file: target === undefined && filesize > 0 ? entry : undefined,
    size: raw.length + filesize + encodePadding(filesize).length,
  };
}

/** Cuts consecutive records into runs. */
export function cutAddedRuns(records: readonly NewRecord[]): AddedRun[] {
  const runs: AddedRun[] = [];
  let first = 0;
  let start = 0;
  let end = 0;
  for (const [index, { size }] of records.entries()) {
    const before = end;
    end += size;
    if (index < records.length - 1 && !isRunStart(end, before)) continue;
    const own = records.slice(first, index + 1);
    runs.push({ records: own, position: start, bytes: end - start, key: createKey(own) });
    [first, start] = [index + 1, end];
  }
  return runs;
}

/** The key that the same run of an image gets when it is read (unpack/run-list.ts). */
function createKey(records: readonly NewRecord[]): string | undefined {
  const hash = createHash('sha256');
  for (const { head, file } of records) {
    hash.update(head);
    if (file === undefined) continue;
    if (file.sha256 === undefined) return undefined;
    hash.update(file.sha256);
  }
  return hash.digest('hex');
}
