import { parsePermissions } from '../format/mode.js';
import type { ImageEntry } from '../model/image/archive.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { createImageEntry, type Inode } from './inode.js';
import { createLazyMap } from './lazy-map.js';

/** The files of a tree by canonical path, parents before their children. */
export interface Names extends Pick<Map<string, Inode>, 'get' | 'has' | 'delete' | 'size'> {
  set(path: string, node: Inode): void;
  [Symbol.iterator](): Iterator<[string, Inode]>;
}

/** Names. Beyond the first ten thousand, plain files are not held: their only record has all that there is to know of most. */
export interface CompactNames extends Names {
  /** What is at the path will hardly be asked for again. */
  settle(path: string): void;
  /** The entries, in the order of the names, which are not to be used any more; with a pause behind each thousand. */
  toEntries(body: ImageEntry['body']): Generator<void, ReadonlyMap<string, ImageEntry>, void>;
}

const pause = 1000;
/** Up to so many names, all files are held: they take a few MB, and making them for every reader takes longer. */
const mostHeld = 10_000;

/** `first`: the files that are there. `findId`: of the inode that a record has made. */
export function createNames(
  first: ReadonlyMap<string, Inode>,
  findId: (record: ArchiveRecord) => number,
): CompactNames {
  const names = new Map<string, Inode | ArchiveRecord>(first);

  function get(path: string): Inode | undefined {
    const held = names.get(path);
    if (held === undefined || !isRecord(held)) return held;
    const node = createPlainFile(held, findId(held));
    names.set(path, node);
    return node;
  }

  return {
    get,
    has: (path) => names.has(path),
    set(path, node) {
      names.set(path, node);
    },
    delete: (path) => names.delete(path),
    get size() {
      return names.size;
    },
    *[Symbol.iterator]() {
      for (const [path, held] of names)
        yield [path, isRecord(held) ? createPlainFile(held, findId(held)) : held];
    },
    settle(path) {
      if (names.size <= mostHeld) return;
      const node = names.get(path);
      if (node !== undefined && !isRecord(node) && isPlainFile(node)) names.set(path, node.record);
    },
    *toEntries(body) {
      // In the same map: no second one is held beside it.
      const entries = names as Map<string, ImageEntry | Inode | ArchiveRecord>;
      let count = 0;
      let isWhole = true;
      for (const [path, held] of names) {
        if (isRecord(held)) isWhole = false;
        else entries.set(path, createImageEntry(path, held, body));
        count += 1;
        if (count % pause === 0) yield;
      }
      // Nothing has to be made when it is asked for.
      if (isWhole) return entries as Map<string, ImageEntry>;
      return listEntries(entries as Map<string, ImageEntry | ArchiveRecord>, body);
    },
  };
}

function listEntries(
  held: ReadonlyMap<string, ImageEntry | ArchiveRecord>,
  body: ImageEntry['body'],
): ReadonlyMap<string, ImageEntry> {
  const make = (path: string, one: ImageEntry | ArchiveRecord) =>
    // The number is only in the link of an entry with several names.
    isRecord(one) ? createImageEntry(path, createPlainFile(one, 0), body) : one;
  return createLazyMap({
    get(path: string) {
      const one = held.get(path);
      return one && make(path, one);
    },
    has: (path) => held.has(path),
    keys: () => held.keys(),
    *entries() {
      for (const [path, one] of held) yield [path, make(path, one)];
      return undefined;
    },
    count: () => held.size,
  });
}

function isRecord<Other extends object>(held: Other | ArchiveRecord): held is ArchiveRecord {
  return 'header' in held;
}

/** A file with one name that is in all as `createPlainFile` makes it of its record. */
function isPlainFile(node: Inode): boolean {
  const { type, names, record, data } = node;
  if (type !== 'file' || names !== 1 || record !== data) return false;
  const { mode, uid, gid, mtime, filesize } = record.header;
  return (
    node.mode === parsePermissions(mode) &&
    node.uid === uid &&
    node.gid === gid &&
    node.mtime === mtime &&
    node.size === filesize
  );
}

function createPlainFile(record: ArchiveRecord, id: number): Inode {
  const { mode, uid, gid, mtime, filesize } = record.header;
  return {
    id,
    type: 'file',
    target: undefined,
    device: undefined,
    mode: parsePermissions(mode),
    uid,
    gid,
    mtime,
    size: filesize,
    record,
    data: record,
    names: 1,
    children: 0,
  };
}
