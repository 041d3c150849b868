import { emptyFields } from '../format/cpio/cpio-writer.js';
import { parsePermissions } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { ImageEntry } from '../model/image/archive.js';
import type { Bytes, Device, EntryType } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';

/** A file in the kernel's memory; it may have several names. */
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
  /** The last record about it. */
  record: ArchiveRecord;
  /** The record whose body it has. */
  data: ArchiveRecord;
  names: number;
  /** Names inside a directory. */
  children: number;
}

const setgid = 0o2000;

interface NewInode {
  readonly id: number;
  readonly record: ArchiveRecord;
  readonly type: EntryType;
  /** The directory that it is created in. */
  readonly directory: Inode | undefined;
}

/** A new file: owned by root, or by the group of a directory with the setgid bit. */
export function createInode({ id, record, type, directory }: NewInode): Inode {
  const { mode, mtime, filesize, rdevmajor, rdevminor } = record.header;
  const isDevice = type === 'character' || type === 'block';
  const target = type === 'symlink' ? cutAtNul(record.target ?? '') : undefined;
  return {
    id,
    type,
    target,
    device: isDevice ? foldDevice(rdevmajor, rdevminor) : undefined,
    // A symlink has all permission bits, whatever its record says.
    mode: type === 'symlink' ? 0o777 : parsePermissions(mode),
    uid: 0,
    gid: directory !== undefined && (directory.mode & setgid) !== 0 ? directory.gid : 0,
    mtime,
    size: target === undefined ? filesize : encodePath(target).length,
    record,
    data: record,
    names: 0,
    children: 0,
  };
}

function cutAtNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** MKDEV has 12 bits for the major number and 20 for the minor one; higher bits of the minor spill over (linux/kdev_t.h). */
function foldDevice(major: number, minor: number): Device {
  return { major: (((major << 20) | minor) >>> 20) & 0xfff, minor: minor & 0xfffff };
}

const builtIn: ArchiveRecord = {
  segment: -1,
  index: -1,
  position: 0,
  name: '',
  header: { ...emptyFields, magic: '070701', mode: 0, namesize: 1, check: 0 },
};

const builtInFiles: readonly (readonly [path: string, type: EntryType, mode: number])[] = [
  ['', 'directory', 0o755],
  ['dev', 'directory', 0o755],
  ['dev/console', 'character', 0o600],
  ['root', 'directory', 0o700],
];
export const builtInPaths: readonly string[] = builtInFiles.map(([path]) => path);

/** The files of the kernel's own archive, which it unpacks before any image (usr/default_cpio_list); the root first. */
export function createBuiltInFiles(): Map<string, Inode> {
  return new Map(
    builtInFiles.map(([path, type, mode], index) => [
      path,
      {
        ...createInode({ id: index + 1, record: builtIn, type, directory: undefined }),
        ...(type === 'character' ? { device: { major: 5, minor: 1 } } : {}),
        mode,
        names: 1,
        children: path === '' ? 2 : path === 'dev' ? 1 : 0,
      },
    ]),
  );
}

/** Whether no record of the image was about it. */
export function isBuiltIn(node: Inode | undefined): boolean {
  return node?.record === builtIn;
}

/** `body`: shared by all entries, since an image has hundreds of thousands of them. */
export function createImageEntry(path: string, node: Inode, body: (this: ImageEntry) => Bytes): ImageEntry {
  const { type, mode, uid, gid, mtime, size, target, device, record, data } = node;
  const entry: ImageEntry = { path, type, mode, uid, gid, mtime, size, record, data, body };
  if (target === undefined && device === undefined && node.names === 1) return entry;
  return {
    ...entry,
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    ...(node.names > 1 ? { link: `inode-${node.id}` } : {}),
  };
}
