import { parsePermissions, parseType } from '../format/mode.js';
import type { EntryType } from '../model/entry.js';
import type { ArchiveRecord, DroppedRecord, PlacedRecord } from '../model/layout.js';
import { builtIn, createInode, describe, type Inode, own } from './inode.js';
import { parentPath } from './resolve.js';
import { explainNoPlace, findPlace, walkPath } from './walk-path.js';

export interface MergedTree {
  /** Canonical path -> inode, parents before what is in them. */
  readonly names: ReadonlyMap<string, Inode>;
  readonly dropped: readonly DroppedRecord[];
  /** By `ArchiveRecord.index`; none for a dropped record, but for a hard link that finds no file. */
  readonly placed: readonly (PlacedRecord | undefined)[];
}

/** A symlink's buffer in the kernel; what fills it is taken, and then refused by the file system. */
const longestTarget = 4096;
const longestName = 4096;
const mostSymlinks = 40;

/**
 * What the kernel makes of the records of an image, in order; `undefined` stands for a TRAILER
 * (init/initramfs.c: do_name, do_symlink, maybe_link, clean_path, dir_utime). Parents are never created. A
 * file over a file is rewritten in place, so all its hard links change; another type replaces the old one,
 * but never a directory that is not empty. A directory's name keeps the mtime of its first record, a device
 * its first number. A record that comes to nothing may still change what is there.
 */
export function mergeRecords(records: Iterable<ArchiveRecord | undefined>): MergedTree {
  const names = new Map<string, Inode>();
  const links = new Map<string, string>();
  const directoryTimes = new Map<string, number>();
  const dropped: DroppedRecord[] = [];
  const placed: (PlacedRecord | undefined)[] = [];
  let lastId = 0;
  const lookup = (path: string) => names.get(path);

  for (const path of ['', 'dev', 'root']) add(path, builtIn, 'directory');
  add('dev/console', builtIn, 'character');
  for (const record of records) {
    if (record === undefined) links.clear();
    else {
      const reason = put(record);
      if (reason !== undefined) dropped.push({ record, reason });
    }
  }
  for (const [name, mtime] of [...directoryTimes].reverse()) setTime(name, mtime);
  for (const path of ['', 'dev', 'root', 'dev/console'])
    if (names.get(path)?.record === builtIn) names.delete(path);
  return { names, dropped, placed };

  function put(record: ArchiveRecord): string | undefined {
    const { name, header } = record;
    const type = parseType(header.mode);
    if (header.namesize === 0) return 'an entry without a name';
    if (header.namesize > longestName) return 'a name of more than 4095 bytes';
    if (type === 'symlink')
      return header.filesize > longestTarget
        ? 'a symlink target of more than 4095 bytes'
        : addSymlink(record);
    if (type !== 'file' && header.filesize > 0)
      return type === undefined ? 'the kernel does not know its type' : `a ${type} cannot have a body`;
    clean(name, type);
    if (type === undefined) return 'the kernel does not know its type';
    if (type === 'file') return addFile(record);
    return type === 'directory' ? addDirectory(record) : addNode(record, type);
  }

  function addFile(record: ArchiveRecord): string | undefined {
    const linked = link(record, 'file');
    if (linked === 'failed') return loseLink(record);
    const path = openFile(record);
    const node = names.get(path ?? '');
    if (path === undefined || node === undefined) return explain(record.name, 'file');
    describe(node, record);
    node.mtime = record.header.mtime;
    if (linked === 'new' || record.header.filesize > 0) {
      node.size = record.header.filesize;
      node.data = record;
    }
    return place(record, path, node);
  }

  function addDirectory(record: ArchiveRecord): string | undefined {
    const { name, header } = record;
    make(record, 'directory');
    if (!directoryTimes.has(name)) directoryTimes.set(name, header.mtime);
    const path = walkPath(lookup, name, true);
    const node = names.get(path ?? 'none');
    if (path === undefined || node === undefined) return explain(name, 'directory');
    describe(node, record);
    return place(record, path, node);
  }

  function addNode(record: ArchiveRecord, type: EntryType): string | undefined {
    const { name, header } = record;
    const linked = link(record, type);
    if (linked === 'failed') return loseLink(record);
    if (linked === 'new') make(record, type);
    const path = walkPath(lookup, name, linked === 'new');
    const node = names.get(path ?? 'none');
    if (path === undefined || node === undefined) return explain(name, type);
    if (linked === 'linked') return place(record, path, node);
    setTime(name, header.mtime);
    if (node.type === type) {
      describe(node, record);
      return place(record, path, node);
    }
    own(node, record);
    node.mode = parsePermissions(header.mode);
    return explain(name, type);
  }

  function addSymlink(record: ArchiveRecord): string | undefined {
    const { name, header, target } = record;
    clean(name, undefined);
    const made = target === undefined ? undefined : make(record, 'symlink');
    setTime(name, header.mtime);
    if (made !== undefined) {
      describe(made.node, record);
      return place(record, made.path, made.node);
    }
    const found = names.get(walkPath(lookup, name, false) ?? 'none');
    if (found !== undefined) own(found, record);
    return target === undefined ? 'a symlink target of more than 4095 bytes' : explain(name, 'symlink');
  }

  /** Whoever puts something at this name must know of it: without the group it would make a file. */
  function loseLink({ name, index }: ArchiveRecord): string {
    const path = findPlace(lookup, name);
    lastId += 1;
    if (path !== undefined) placed[index] = { path, inode: lastId };
    return 'a hard link to a file that is gone';
  }

  function place({ index }: ArchiveRecord, path: string, { id }: Inode): undefined {
    placed[index] = { path, inode: id };
  }

  function explain(name: string, type: EntryType): string {
    const path = findPlace(lookup, name);
    return path !== undefined && names.has(path) && (type === 'directory' || !name.endsWith('/'))
      ? `a ${type} cannot replace a directory that is not empty`
      : explainNoPlace(name, type);
  }

  /** Removes what has another type, if it can be removed; without a type, whatever there is. */
  function clean(name: string, type: EntryType | undefined): void {
    const path = walkPath(lookup, name, false);
    const node = names.get(path ?? 'none');
    if (path === undefined || node === undefined || node.type === type || node.children > 0) return;
    if (findPlace(lookup, name) !== path) return;
    names.delete(path);
    node.names -= 1;
    countChild(path, -1);
  }

  function make(record: ArchiveRecord, type: EntryType): { path: string; node: Inode } | undefined {
    const path = findPlace(lookup, record.name);
    if (path === undefined || names.has(path)) return undefined;
    if (type !== 'directory' && record.name.endsWith('/')) return undefined;
    return { path, node: add(path, record, type) };
  }

  /** The file of a name, a new one if need be. A hard link to what became a symlink leads through it. */
  function openFile(record: ArchiveRecord): string | undefined {
    let { name } = record;
    let from = '';
    for (let followed = 0; followed <= mostSymlinks; followed += 1) {
      const path = name.endsWith('/') ? undefined : findPlace(lookup, name, from);
      if (path === undefined) return undefined;
      const node = names.get(path);
      if (node === undefined) add(path, record, 'file');
      if (node === undefined || node.type === 'file') return path;
      if (node.type !== 'symlink') return undefined;
      [name, from] = [node.target ?? '', parentPath(path)];
    }
    return undefined;
  }

  /** Makes a further name of the file whose numbers a record has; notes the name of the first one. */
  function link({ name, header }: ArchiveRecord, type: EntryType): 'new' | 'linked' | 'failed' {
    if (header.nlink < 2) return 'new';
    const key = `${header.devmajor}:${header.devminor}:${header.ino}:${type}`;
    const first = links.get(key);
    if (first === undefined) {
      links.set(key, name);
      return 'new';
    }
    clean(name, undefined);
    const node = names.get(walkPath(lookup, first, false) ?? 'none');
    const path = name.endsWith('/') ? undefined : findPlace(lookup, name);
    if (node === undefined || node.type === 'directory' || path === undefined || names.has(path))
      return 'failed';
    remember(path, node);
    return 'linked';
  }

  function setTime(name: string, mtime: number): void {
    const node = names.get(walkPath(lookup, name, false) ?? 'none');
    if (node !== undefined) node.mtime = mtime;
  }

  function add(path: string, record: ArchiveRecord, type: EntryType): Inode {
    lastId += 1;
    const parent = path === '' ? undefined : names.get(parentPath(path));
    const node = createInode(lastId, record, type, parent);
    remember(path, node);
    return node;
  }

  function remember(path: string, node: Inode): void {
    names.set(path, node);
    node.names += 1;
    countChild(path, 1);
  }

  function countChild(path: string, by: number): void {
    const parent = path === '' ? undefined : names.get(parentPath(path));
    if (parent !== undefined) parent.children += by;
  }
}
