import { parsePermissions, parseType } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { Device, EntryType } from '../model/entry.js';
import type { ArchiveRecord, DroppedRecord, PlacedRecord } from '../model/layout.js';
import { joinPath, parentPath, resolvePath, splitPath } from './resolve.js';

/** A file as the kernel has it in memory; several names may lead to one. */
export interface Inode {
  readonly id: number;
  readonly type: EntryType;
  readonly target?: string | undefined;
  readonly device?: Device | undefined;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  size: number;
  /** The record that described it last, and the one whose body it has. */
  record: ArchiveRecord;
  data: ArchiveRecord;
  names: number;
  /** Names inside a directory. */
  children: number;
}

export interface MergedTree {
  /** Canonical path -> inode, parents before what is in them. */
  readonly names: ReadonlyMap<string, Inode>;
  readonly dropped: readonly DroppedRecord[];
  /** By `ArchiveRecord.index`; none for a dropped record. */
  readonly placed: readonly (PlacedRecord | undefined)[];
}

const longestComponent = 255;
const longestTarget = 4095;
const noId = 0xffffffff;

/**
 * What the kernel makes of the records of an image, in order; `undefined` stands for a TRAILER
 * (init/initramfs.c: do_name, do_symlink, maybe_link, clean_path). Parents are never created. A file
 * over a file is rewritten in place, so all its hard links change; another type replaces the old one,
 * but never a directory that is not empty. A directory keeps the mtime of its first record, a device
 * its first number.
 */
export function mergeRecords(records: Iterable<ArchiveRecord | undefined>): MergedTree {
  const names = new Map<string, Inode>();
  const links = new Map<string, string>();
  const dropped: DroppedRecord[] = [];
  const placed: (PlacedRecord | undefined)[] = [];
  let lastId = 0;

  for (const record of records) {
    if (record === undefined) links.clear();
    else {
      const reason = checkRecord(record) ?? add(record);
      if (reason !== undefined) dropped.push({ record, reason });
    }
  }
  return { names, dropped, placed };

  function add(record: ArchiveRecord): string | undefined {
    const type = parseType(record.header.mode) ?? 'file';
    const components = splitPath(record.name);
    const last = components.at(-1);
    if (last === undefined || last === '..') return addRoot(record, type, components);
    const directory = resolvePath((at) => names.get(at), components.slice(0, -1).join('/'), true);
    if (directory === undefined || !isDirectory(directory)) {
      // The kernel notes the name for later links before it finds out.
      findLink(record, type, record.name);
      return 'its parent directory is missing';
    }
    return place(record, type, joinPath(directory, last));
  }

  function addRoot(
    record: ArchiveRecord,
    type: EntryType,
    components: readonly string[],
  ): string | undefined {
    const path = resolvePath((at) => names.get(at), components.join('/'), true);
    if (type !== 'directory' || path === undefined || !isDirectory(path))
      return 'only a directory can have this name';
    return place(record, type, path);
  }

  function isDirectory(path: string): boolean {
    // The kernel's own built-in archive brings these (usr/default_cpio_list).
    return (
      names.get(path)?.type === 'directory' ||
      ((path === '' || path === 'dev' || path === 'root') && !names.has(path))
    );
  }

  function place(record: ArchiveRecord, type: EntryType, path: string): string | undefined {
    const reason = put(record, type, path);
    if (reason === undefined) placed[record.index] = { path, inode: names.get(path)?.id ?? 0 };
    return reason;
  }

  function put(record: ArchiveRecord, type: EntryType, path: string): string | undefined {
    const first = findLink(record, type, path);
    const candidate = first === undefined ? undefined : names.get(first);
    const linked = candidate?.type === type ? candidate : undefined;
    const old = names.get(path);
    const rewritten =
      linked ?? (first === undefined && type !== 'symlink' && old?.type === type ? old : undefined);
    if (old !== undefined && old !== rewritten) {
      if (old.children > 0) return `a ${type} cannot replace a directory that is not empty`;
      forget(path, old);
    }
    if (first !== undefined && linked === undefined) return 'a hard link to a file that is gone';
    const node = rewritten ?? createInode(record, type);
    if (names.get(path) !== node) remember(path, node);
    // The kernel links a further name of a device without looking at the rest of its record.
    if (linked === undefined || type === 'file') describe(node, record);
    if (type === 'file' && (linked === undefined || record.header.filesize > 0)) {
      node.size = record.header.filesize;
      node.data = record;
    }
    return undefined;
  }

  /** The path of the group's first name; undefined for a file with one name, and for the first one. */
  function findLink(record: ArchiveRecord, type: EntryType, path: string): string | undefined {
    const { nlink, devmajor, devminor, ino } = record.header;
    if (nlink < 2 || type === 'symlink' || type === 'directory') return undefined;
    const key = `${devmajor}:${devminor}:${ino}:${type}`;
    const first = links.get(key);
    if (first === undefined) links.set(key, path);
    return first;
  }

  function createInode(record: ArchiveRecord, type: EntryType): Inode {
    const { mtime, filesize, rdevmajor, rdevminor } = record.header;
    lastId += 1;
    const isDevice = type === 'character' || type === 'block';
    return {
      id: lastId,
      type,
      target: type === 'symlink' ? (record.target ?? '') : undefined,
      device: isDevice ? { major: rdevmajor, minor: rdevminor } : undefined,
      mode: 0,
      uid: 0,
      gid: 0,
      mtime,
      size: filesize,
      record,
      data: record,
      names: 0,
      children: 0,
    };
  }

  function remember(path: string, node: Inode): void {
    names.set(path, node);
    node.names += 1;
    countChild(path, 1);
  }

  function forget(path: string, node: Inode): void {
    names.delete(path);
    node.names -= 1;
    countChild(path, -1);
  }

  function countChild(path: string, by: number): void {
    const parent = path === '' ? undefined : names.get(parentPath(path));
    if (parent !== undefined) parent.children += by;
  }
}

function describe(node: Inode, record: ArchiveRecord): void {
  const { mode, uid, gid, mtime } = record.header;
  node.mode = parsePermissions(mode);
  node.uid = uid === noId ? 0 : uid;
  node.gid = gid === noId ? 0 : gid;
  if (node.type !== 'directory') node.mtime = mtime;
  node.record = record;
}

/** Why the kernel skips a record whatever came before it. */
function checkRecord(record: ArchiveRecord): string | undefined {
  const { mode, filesize } = record.header;
  const type = parseType(mode);
  if (type === undefined) return 'the kernel does not know its type';
  if (type === 'symlink' && filesize > longestTarget) return 'a symlink target of more than 4095 bytes';
  if (type !== 'symlink' && type !== 'file' && filesize > 0) return `a ${type} cannot have a body`;
  if (type !== 'directory' && record.name.endsWith('/'))
    return `a ${type} cannot have a name that ends in a slash`;
  const isTooLong = (component: string) =>
    component.length * 3 > longestComponent && encodePath(component).length > longestComponent;
  return splitPath(record.name).some(isTooLong) ? 'a component of more than 255 bytes' : undefined;
}
