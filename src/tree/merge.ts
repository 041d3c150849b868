import { isFiller } from '../format/cpio/filler.js';
import { parsePermissions, parseType } from '../format/mode.js';
import type { DroppedRecord, ImageEntry, LinkLeak, Placements } from '../model/image/archive.js';
import type { Bytes, EntryType } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { builtInPaths, createBuiltInFiles, createInode, type Inode, isBuiltIn } from './inode.js';
import { createKernelFiles, isTooLong } from './kernel-files.js';
import { createNames } from './names.js';
import { createPlacements } from './placements.js';
import { parentPath, splitPath } from './resolve.js';

export interface MergedTree {
  /** By canonical path, parents before their children. */
  readonly entries: ReadonlyMap<string, ImageEntry>;
  readonly dropped: readonly DroppedRecord[];
  readonly placed: Placements;
  readonly leaks: readonly LinkLeak[];
}

/** A symlink's target with its NUL fits into a page; a body of a whole page still removes the file of its name. */
const longestTarget = 4095;
/** With its NUL. */
const longestName = 4096;
const noId = 0xffffffff;

/**
 * What the kernel makes of the records of an image, in order; `undefined` stands for a TRAILER. It repeats
 * init/initramfs.c call by call (do_name, do_symlink, maybe_link, clean_path), since calls that fail have effects
 * too: a device over a full directory leaves the directory with the device's mode and owner. `read` gives the body of
 * a record.
 */
export function mergeRecords(
  records: Iterable<ArchiveRecord | undefined>,
  read: (record: ArchiveRecord) => Bytes,
): MergedTree {
  const steps = mergeInSteps(records, read);
  for (let next = steps.next(); ; next = steps.next()) if (next.done) return next.value;
}

/** Records, or steps through directories, between two pauses. */
const pause = { records: 1000, steps: 20_000 };

/** The same with pauses, for an image of any size. */
export function* mergeInSteps(
  records: Iterable<ArchiveRecord | undefined>,
  read: (record: ArchiveRecord) => Bytes,
): Generator<void, MergedTree, void> {
  const placed = createPlacements();
  const names = createNames(createBuiltInFiles(), (record) => placed.get(record)?.inode ?? 0);
  const files = createKernelFiles(names);
  const links = new Map<string, ArchiveRecord>();
  const leaks: LinkLeak[] = [];
  const times: { readonly name: string; readonly mtime: number }[] = [];
  const dropped: DroppedRecord[] = [];
  let lastId = names.size;
  const last = { records: 0, steps: 0 };

  for (const record of records) {
    if (record === undefined) links.clear();
    else {
      const reason = add(record);
      if (reason !== undefined) drop(record, reason);
    }
    if (isPauseDue()) yield;
  }
  // At the end and last first: the first record of a name decides, whatever has that name by then.
  for (const { name, mtime } of times.reverse()) {
    setTime(files.find(name), mtime);
    if (isPauseDue()) yield;
  }
  for (const path of builtInPaths) if (isBuiltIn(at(path))) names.delete(path);
  async function* body(this: ImageEntry): AsyncGenerator<Uint8Array, void, void> {
    if (this.type === 'file' && this.size > 0) yield* read(this.data);
  }
  return { entries: yield* names.toEntries(body), dropped, placed, leaks };

  function isPauseDue(): boolean {
    last.records += 1;
    if (last.records < pause.records && files.steps() - last.steps < pause.steps) return false;
    [last.records, last.steps] = [0, files.steps()];
    return true;
  }

  function drop(record: ArchiveRecord, reason: string): void {
    if (!isFiller(record.header, record.name)) dropped.push({ record, reason });
    // The record may succeed after a change at this path, so the change must find it.
    const path = files.locate(record.name)?.path;
    if (path !== undefined && at(path)?.type !== 'directory' && placed.get(record) === undefined)
      placed.set(record, { path, inode: 0 });
  }

  /** Why the record leaves no file; undefined when it leaves one. */
  function add(record: ArchiveRecord): string | undefined {
    const { mode, filesize, namesize } = record.header;
    const type = parseType(mode);
    if (namesize === 0) return 'an entry without a name';
    if (namesize > longestName) return 'a name of more than 4095 bytes';
    if (type === 'symlink') return filesize > longestTarget + 1 ? explain(record, type) : addSymlink(record);
    if (type !== 'file' && filesize > 0)
      return type === undefined ? 'the kernel does not know its type' : `a ${type} cannot have a body`;
    clear(record, type);
    return type === undefined ? 'the kernel does not know its type' : addName(record, type);
  }

  /** do_name, without clean_path. */
  function addName(record: ArchiveRecord, type: Exclude<EntryType, 'symlink'>): string | undefined {
    if (type === 'file') return addFile(record);
    return type === 'directory' ? addDirectory(record) : addDevice(record, type);
  }

  /** clean_path: removes a file of another type, a directory only when it is empty. */
  function clear(record: ArchiveRecord, type: EntryType | undefined): void {
    const { name } = record;
    const node = at(files.find(name));
    if (node === undefined || node.type === type) return;
    const place = files.locate(name);
    const old = at(place?.path);
    if (place === undefined || old === undefined) return;
    if (node.type === 'directory' ? old !== node || old.children > 0 : place.hasSlash) return;
    files.remove(place.path);
    // A patch that puts a file there must find the record, which would remove it again.
    placed.set(record, { path: place.path, inode: 0 });
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
    // The open truncates the file, except for a further name of one.
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
    // The kernel links a further name of a device and ignores the rest of its record.
    const further = linked === 'yes' ? at(place?.path) : undefined;
    if (place !== undefined && further !== undefined) return put(record, place.path, further);
    if (place !== undefined && !place.hasSlash && !names.has(place.path)) create(record, type, place.path);
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
      place === undefined || place.hasSlash || names.has(place.path)
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

  /** maybe_link: the kernel stores the first name of a group as written, and looks it up for each further one. */
  function link(record: ArchiveRecord, type: EntryType): 'no' | 'yes' | 'failed' {
    const { nlink, devmajor, devminor, ino } = record.header;
    if (nlink < 2) return 'no';
    const key = `${devmajor}:${devminor}:${ino}:${type}`;
    const first = links.get(key);
    if (first === undefined) {
      links.set(key, record);
      return 'no';
    }
    // One for each segment tells enough.
    if (first.segment !== record.segment && leaks.at(-1)?.record.segment !== record.segment)
      leaks.push({ record, first });
    clear(record, undefined);
    const node = at(files.find(first.name));
    const place = files.locate(record.name);
    if (node === undefined || node.type === 'directory' || place === undefined || place.hasSlash)
      return 'failed';
    return files.add(place.path, node) ? 'yes' : 'failed';
  }

  function create(record: ArchiveRecord, type: EntryType, path: string): Inode | undefined {
    lastId += 1;
    const node = createInode({ id: lastId, record, type, directory: at(parentPath(path)) });
    if ((node.target?.length ?? 0) > longestTarget && node.size > longestTarget) return undefined;
    return files.add(path, node) ? node : undefined;
  }

  function setTime(path: string | undefined, mtime: number): void {
    const node = at(path);
    if (node !== undefined) node.mtime = mtime;
  }

  function put(record: ArchiveRecord, path: string, node: Inode): undefined {
    placed.set(record, { path, inode: node.id });
    names.settle(path);
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
    if (['', '.', '..'].includes(name.slice(name.lastIndexOf('/') + 1)))
      return 'only a directory that is there can have this name';
    const old = at(files.find(name));
    if (old?.type === 'directory') return `a ${type} cannot replace a directory that is not empty`;
    if (files.locate(name) === undefined) return 'its parent directory is missing';
    return header.nlink > 1 ? 'a hard link to a file that is gone' : 'something else has its name';
  }
}

/** chown(2) leaves the owner as it is for this id. */
function setOwner(node: Inode, { header: { uid, gid } }: ArchiveRecord): void {
  if (uid !== noId) node.uid = uid;
  if (gid !== noId) node.gid = gid;
}

function setMode(node: Inode, { header: { mode } }: ArchiveRecord): void {
  node.mode = parsePermissions(mode);
}
