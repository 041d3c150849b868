import { parsePermissions, parseType } from '../format/mode.js';
import type { DroppedRecord, PlacedRecord } from '../model/archive.js';
import type { EntryType } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import { builtInPaths, createBuiltInFiles, createInode, isBuiltIn } from './inode.js';
import { createKernelFiles, type Inode, isTooLong } from './kernel-files.js';
import { parentPath, splitPath } from './resolve.js';

export type { Inode } from './kernel-files.js';

export interface MergedTree {
  /** Canonical path -> inode, parents before what is in them. */
  readonly names: ReadonlyMap<string, Inode>;
  readonly dropped: readonly DroppedRecord[];
  /** By `ArchiveRecord.index`; none for a record that is about nothing. */
  readonly placed: readonly (PlacedRecord | undefined)[];
}

/** With its NUL a symlink's target fits into a page; a body of a whole page still removes what was there. */
const longestTarget = 4095;
/** With its NUL. */
const longestName = 4096;
const noId = 0xffffffff;

/**
 * What the kernel makes of the records of an image, in order; `undefined` stands for a TRAILER. It does
 * call by call what init/initramfs.c does (do_name, do_symlink, maybe_link, clean_path), since much of
 * what comes out is made by calls that fail: a device over a full directory leaves the directory with
 * the device's mode and owner.
 */
export function mergeRecords(records: Iterable<ArchiveRecord | undefined>): MergedTree {
  const names = createBuiltInFiles();
  const files = createKernelFiles(names);
  const links = new Map<string, string>();
  const times: { readonly name: string; readonly mtime: number }[] = [];
  const dropped: DroppedRecord[] = [];
  const placed: (PlacedRecord | undefined)[] = [];
  let lastId = names.size;

  for (const record of records) {
    if (record === undefined) links.clear();
    else {
      const reason = add(record);
      if (reason !== undefined) drop(record, reason);
    }
  }
  // In the end, the last first: so the first record of a name counts, whatever stands there by then.
  for (const { name, mtime } of times.reverse()) setTime(files.find(name), mtime);
  for (const path of builtInPaths) if (isBuiltIn(at(path))) names.delete(path);
  return { names, dropped, placed };

  function drop(record: ArchiveRecord, reason: string): void {
    dropped.push({ record, reason });
    // What failed here may not fail after a change at this path, so the change must find it.
    const path = files.locate(record.name)?.path;
    if (path !== undefined && at(path)?.type !== 'directory') placed[record.index] ??= { path, inode: 0 };
  }

  /** Why nothing is there for the record in the end; undefined when something is. */
  function add(record: ArchiveRecord): string | undefined {
    const { mode, filesize, namesize } = record.header;
    const type = parseType(mode);
    if (namesize === 0) return 'an entry without a name';
    if (namesize > longestName) return 'a name of more than 4095 bytes';
    if (type === 'symlink') return filesize > longestTarget + 1 ? explain(record, type) : addSymlink(record);
    if (type !== 'file' && filesize > 0)
      return type === undefined ? 'the kernel does not know its type' : `a ${type} cannot have a body`;
    clear(record, type);
    if (type === 'file') return addFile(record);
    if (type === 'directory') return addDirectory(record);
    return type === undefined ? 'the kernel does not know its type' : addDevice(record, type);
  }

  /** clean_path: what has another type goes, a directory only when it is empty. */
  function clear(record: ArchiveRecord, type: EntryType | undefined): void {
    const { name } = record;
    const node = at(files.find(name));
    if (node === undefined || node.type === type) return;
    const place = files.locate(name);
    const old = at(place?.path);
    if (place === undefined || old === undefined) return;
    if (node.type === 'directory' ? old !== node || old.children > 0 : place.slashed) return;
    files.remove(place.path);
    // A patch that puts something there must find the record that would remove it again.
    placed[record.index] = { path: place.path, inode: 0 };
  }

  function addFile(record: ArchiveRecord): string | undefined {
    const linked = link(record, 'file');
    const path = linked === 'failed' ? undefined : files.locateFile(record.name);
    if (path === undefined) return explain(record, 'file');
    const node = names.get(path) ?? create(record, 'file', path);
    if (node === undefined) return explain(record, 'file');
    setOwner(node, record);
    setMode(node, record);
    node.mtime = record.header.mtime;
    node.record = record;
    // Only a further name of a file is opened without emptying it.
    if (linked === 'no' || record.header.filesize > 0) {
      node.size = record.header.filesize;
      node.data = record;
    }
    return put(record, path, node);
  }

  function addDirectory(record: ArchiveRecord): string | undefined {
    const place = files.locate(record.name);
    if (place !== undefined && !names.has(place.path)) create(record, 'directory', place.path);
    times.push({ name: record.name, mtime: record.header.mtime });
    const path = files.find(record.name, true);
    const node = at(path);
    if (path === undefined || node === undefined) return explain(record, 'directory');
    setOwner(node, record);
    setMode(node, record);
    if (node.type === 'directory') node.record = record;
    return put(record, path, node);
  }

  function addDevice(record: ArchiveRecord, type: EntryType): string | undefined {
    const linked = link(record, type);
    if (linked === 'failed') return explain(record, type);
    const place = files.locate(record.name);
    // The kernel links a further name of a device without looking at the rest of its record.
    const further = linked === 'yes' ? at(place?.path) : undefined;
    if (place !== undefined && further !== undefined) return put(record, place.path, further);
    if (place !== undefined && !place.slashed && !names.has(place.path)) create(record, type, place.path);
    const path = files.find(record.name, true);
    const node = at(path);
    if (path === undefined || node === undefined) return explain(record, type);
    setOwner(node, record);
    setMode(node, record);
    setTime(files.find(record.name), record.header.mtime);
    if (node.type === type) node.record = record;
    put(record, path, node);
    return node.type === type ? undefined : explain(record, type);
  }

  function addSymlink(record: ArchiveRecord): string | undefined {
    clear(record, undefined);
    const place = files.locate(record.name);
    const made =
      place === undefined || place.slashed || names.has(place.path)
        ? undefined
        : create(record, 'symlink', place.path);
    const path = files.find(record.name);
    const node = at(path);
    if (path === undefined || node === undefined) return explain(record, 'symlink');
    setOwner(node, record);
    setTime(path, record.header.mtime);
    put(record, path, node);
    return made === undefined ? explain(record, 'symlink') : undefined;
  }

  /** maybe_link: the first name of a group is noted as it is written, and looked up again for each other one. */
  function link(record: ArchiveRecord, type: EntryType): 'no' | 'yes' | 'failed' {
    const { nlink, devmajor, devminor, ino } = record.header;
    if (nlink < 2) return 'no';
    const key = `${devmajor}:${devminor}:${ino}:${type}`;
    const first = links.get(key);
    if (first === undefined) {
      links.set(key, record.name);
      return 'no';
    }
    clear(record, undefined);
    const node = at(files.find(first));
    const place = files.locate(record.name);
    if (node === undefined || node.type === 'directory' || place === undefined || place.slashed)
      return 'failed';
    return files.add(place.path, node) ? 'yes' : 'failed';
  }

  function create(record: ArchiveRecord, type: EntryType, path: string): Inode | undefined {
    lastId += 1;
    const node = createInode(lastId, record, type, at(parentPath(path)));
    if ((node.target?.length ?? 0) > longestTarget && node.size > longestTarget) return undefined;
    return files.add(path, node) ? node : undefined;
  }

  function setTime(path: string | undefined, mtime: number): void {
    const node = at(path);
    if (node !== undefined) node.mtime = mtime;
  }

  function put(record: ArchiveRecord, path: string, node: Inode): undefined {
    placed[record.index] = { path, inode: node.id };
  }

  function at(path: string | undefined): Inode | undefined {
    return path === undefined ? undefined : names.get(path);
  }

  function explain(record: ArchiveRecord, type: EntryType): string {
    const { name, header } = record;
    const components = splitPath(name);
    if (type === 'symlink' && header.filesize > longestTarget)
      return 'a symlink target of more than 4095 bytes';
    if (components.some(isTooLong)) return 'a component of more than 255 bytes';
    if (type !== 'directory' && name.endsWith('/'))
      return `a ${type} cannot have a name that ends in a slash`;
    if (name === '') return 'its name is empty';
    if (/(^|\/)\.{0,2}$/.test(name)) return 'only a directory that is there can have this name';
    const old = at(files.find(name));
    if (old?.type === 'directory') return `a ${type} cannot replace a directory that is not empty`;
    if (files.locate(name) === undefined) return 'its parent directory is missing';
    return header.nlink > 1 ? 'a hard link to a file that is gone' : 'something else has its name';
  }
}

/** An owner that is nobody leaves the file with the one it has. */
function setOwner(node: Inode, { header: { uid, gid } }: ArchiveRecord): void {
  if (uid !== noId) node.uid = uid;
  if (gid !== noId) node.gid = gid;
}

function setMode(node: Inode, { header: { mode } }: ArchiveRecord): void {
  node.mode = parsePermissions(mode);
}
