import { encodePath } from '#src/format/path.js';
import type { EntryType } from '#src/model/image/entry.js';
import type { ArchiveRecord } from '#src/model/image/layout.js';

/**
 * What init/initramfs.c does with the records of an image, call by call, on a naive file system of
 * linked nodes: an oracle for tree/merge, which was written without looking at it. The calls keep the
 * names and the order they have in the kernel (6.1); errors are `undefined`, as it ignores them.
 */
export interface ModelNode {
  readonly type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  /** 0 for what the kernel has made by itself. */
  mtime: number;
  readonly device: string;
  readonly target: string;
  /** The record whose body it has; undefined: empty. */
  data: ArchiveRecord | undefined;
  readonly children: Map<string, ModelNode>;
  readonly parent: ModelNode | undefined;
  /** Whether a record was about it: what the kernel has built in is not part of an image. */
  touched: boolean;
}

const types = new Map<number, EntryType>([
  [0o10, 'file'],
  [0o04, 'directory'],
  [0o12, 'symlink'],
  [0o02, 'character'],
  [0o06, 'block'],
  [0o01, 'fifo'],
  [0o14, 'socket'],
]);

const byteLength = (name: string) => encodePath(name).length;
const untilNul = (text: string) => text.split('\0')[0] ?? '';
const splitPath = (path: string) => path.split('/').filter((part) => part !== '');

/**
 * The nodes by canonical path, without those that only the kernel's built-in archive has made. A TRAILER may be
 * `undefined` or a record with its name: which of these are one is decided here.
 */
export function runKernel(records: readonly (ArchiveRecord | undefined)[]): Map<string, ModelNode> {
  const root = createNode('directory', undefined);
  for (const name of ['dev', 'root']) root.children.set(name, createNode('directory', root));
  const dev = root.children.get('dev') as ModelNode;
  dev.children.set('console', { ...createNode('character', dev), device: '5:1' });
  const links = new Map<string, string>();
  const directoryTimes: [string, number][] = [];

  function lookup(path: string, follow: boolean, from = root, budget = { left: 40 }): ModelNode | undefined {
    if (byteLength(path) > 4095) return undefined;
    const parts = splitPath(path);
    const isFolder = path.endsWith('/');
    let at: ModelNode | undefined = path.startsWith('/') ? root : from;
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1 && !isFolder;
      at = step(at, part, follow || !isLast, budget);
    }
    return isFolder && at?.type !== 'directory' ? undefined : at;
  }

  /** One component of a path, with the symlink that it may be. */
  function step(
    at: ModelNode | undefined,
    part: string,
    follow: boolean,
    budget: { left: number },
  ): ModelNode | undefined {
    if (at?.type !== 'directory') return undefined;
    if (part === '.') return at;
    if (part === '..') return at.parent ?? at;
    const child = at.children.get(part);
    if (child?.type !== 'symlink' || !follow) return child;
    budget.left -= 1;
    return budget.left < 0 ? undefined : lookup(child.target, true, at, budget);
  }

  /** The directory and the name of a path's last component, if that is a name. */
  function lookupParent(path: string, from = root, budget = { left: 40 }) {
    const parts = splitPath(path);
    const name = parts.pop() ?? '..';
    if (name === '.' || name === '..' || byteLength(name) > 255 || byteLength(path) > 4095) return undefined;
    const start = path.startsWith('/') ? '/' : '';
    const parent =
      parts.length === 0 && start === '' ? from : lookup(`${start}${parts.join('/')}/`, true, from, budget);
    return parent?.type === 'directory' ? { parent, name } : undefined;
  }

  function create(path: string, type: EntryType, more: Partial<ModelNode> = {}): ModelNode | undefined {
    const place = lookupParent(path);
    if (place === undefined || place.parent.children.has(place.name)) return undefined;
    if (path.endsWith('/') && type !== 'directory') return undefined;
    const made = { ...createNode(type, place.parent), ...more };
    place.parent.children.set(place.name, made);
    return made;
  }

  /** O_CREAT goes through a symlink in the last place, also a dangling one. */
  function open(path: string, from = root, budget = { left: 40 }): ModelNode | undefined {
    const place = lookupParent(path, from, budget);
    if (place === undefined || path.endsWith('/')) return undefined;
    const found = place.parent.children.get(place.name);
    if (found?.type === 'symlink') {
      budget.left -= 1;
      return budget.left < 0 ? undefined : open(found.target, place.parent, budget);
    }
    if (found !== undefined) return found.type === 'file' ? found : undefined;
    const made = createNode('file', place.parent);
    place.parent.children.set(place.name, made);
    return made;
  }

  function cleanPath(path: string, type: EntryType | undefined): void {
    const found = lookup(path, false);
    if (found === undefined || found.type === type) return;
    const place = lookupParent(path);
    if (place?.parent.children.get(place.name) !== found || found.children.size > 0) return;
    place.parent.children.delete(place.name);
  }

  function chown(path: string, type: EntryType, { uid, gid }: ArchiveRecord['header']): void {
    const found = lookup(path, type !== 'symlink');
    if (found === undefined) return;
    if (found.type === type) found.touched = true;
    if (uid !== 0xffffffff) found.uid = uid;
    if (gid !== 0xffffffff) found.gid = gid;
  }

  function chmod(path: string, mode: number): void {
    const found = lookup(path, true);
    if (found !== undefined) found.mode = mode & 0o7777;
  }

  function utime(path: string, mtime: number): void {
    const found = lookup(path, false);
    if (found !== undefined) found.mtime = mtime;
  }

  /** -1, 0 and 1 as in the kernel. */
  function maybeLink(path: string, type: EntryType, { header }: ArchiveRecord): number {
    if (header.nlink < 2) return 0;
    const key = [header.devmajor, header.devminor, header.ino, type].join();
    const old = links.get(key);
    if (old === undefined) links.set(key, path);
    if (old === undefined) return 0;
    cleanPath(path, undefined);
    const found = lookup(old, false);
    const place = lookupParent(path);
    if (found === undefined || found.type === 'directory' || path.endsWith('/')) return -1;
    if (place === undefined || place.parent.children.has(place.name)) return -1;
    place.parent.children.set(place.name, found);
    return 1;
  }

  function doName(record: ArchiveRecord, type: EntryType | undefined): void {
    const { mode, mtime, rdevmajor, rdevminor } = record.header;
    const path = record.name;
    if (path === 'TRAILER!!!') {
      links.clear();
      return;
    }
    cleanPath(path, type);
    if (type === 'file') doFile(record);
    else if (type === 'directory') {
      // Its time stays the present one when its name leads elsewhere in the end; the record's stands for it.
      create(path, type, { mtime });
      chown(path, type, record.header);
      chmod(path, mode);
      directoryTimes.unshift([path, mtime]);
    } else if (type !== undefined && maybeLink(path, type, record) === 0) {
      const device = type === 'character' || type === 'block' ? `${rdevmajor}:${rdevminor}` : '';
      create(path, type, { device });
      chown(path, type, record.header);
      chmod(path, mode);
      utime(path, mtime);
    }
  }

  function doFile(record: ArchiveRecord): void {
    const { uid, gid, mode, mtime, filesize } = record.header;
    const linked = maybeLink(record.name, 'file', record);
    const file = linked < 0 ? undefined : open(record.name);
    if (file === undefined) return;
    Object.assign(file, { touched: true, mode: mode & 0o7777, mtime });
    if (uid !== 0xffffffff) file.uid = uid;
    if (gid !== 0xffffffff) file.gid = gid;
    if (filesize > 0) file.data = record;
    else if (linked !== 1) file.data = undefined;
  }

  function doSymlink(record: ArchiveRecord): void {
    const path = record.name;
    const target = untilNul(record.target ?? '');
    cleanPath(path, undefined);
    if (record.header.filesize <= 4095) create(path, 'symlink', { target, mode: 0o777 });
    chown(path, 'symlink', record.header);
    utime(path, record.header.mtime);
  }

  for (const record of records) {
    if (record === undefined) {
      links.clear();
      continue;
    }
    const { namesize, filesize, mode } = record.header;
    const type = types.get((mode >>> 12) & 0o17);
    if (namesize === 0 || namesize > 4096) continue;
    if (type === 'symlink') {
      if (filesize <= 4096) doSymlink(record);
    } else if (type === 'file' || filesize === 0) doName(record, type);
  }
  for (const [path, mtime] of directoryTimes) utime(path, mtime);
  return list(root);
}

function createNode(type: EntryType, parent: ModelNode | undefined): ModelNode {
  // A set-group-id directory gives what is made in it its group.
  const gid = parent !== undefined && (parent.mode & 0o2000) !== 0 ? parent.gid : 0;
  const times = { mtime: 0, data: undefined, touched: false } as const;
  return { type, mode: 0, uid: 0, gid, device: '', target: '', children: new Map(), parent, ...times };
}

function list(root: ModelNode): Map<string, ModelNode> {
  const found = new Map<string, ModelNode>();
  const add = (path: string, node: ModelNode) => {
    if (node.touched) found.set(path, node);
    for (const [name, child] of node.children) add(path === '' ? name : `${path}/${name}`, child);
  };
  add('', root);
  return found;
}
