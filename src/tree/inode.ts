import { emptyFields } from '../format/cpio-writer.js';
import { parsePermissions } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { Device, EntryType } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import type { Inode } from './kernel-files.js';

const setgid = 0o2000;

/** A new file: owned by root, or by the group of a directory with the setgid bit. */
export function createInode(
  id: number,
  record: ArchiveRecord,
  type: EntryType,
  directory: Inode | undefined,
): Inode {
  const { mode, mtime, filesize, rdevmajor, rdevminor } = record.header;
  const isDevice = type === 'character' || type === 'block';
  const target = type === 'symlink' ? cutAtNul(record.target ?? '') : undefined;
  return {
    id,
    type,
    target,
    device: isDevice ? foldDevice(rdevmajor, rdevminor) : undefined,
    // A symlink has all bits, whatever its record says.
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

/** MKDEV has 12 bits for the major number and 20 for the minor one; what is more spills over (linux/kdev_t.h). */
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

/** What the kernel's own archive brings before any image (usr/default_cpio_list), the root first. */
export function createBuiltInFiles(): Map<string, Inode> {
  return new Map(
    builtInFiles.map(([path, type, mode], index) => [
      path,
      {
        ...createInode(index + 1, builtIn, type, undefined),
        ...(type === 'character' ? { device: { major: 5, minor: 1 } } : {}),
        mode,
        names: 1,
        children: path === '' ? 2 : path === 'dev' ? 1 : 0,
      },
    ]),
  );
}

/** Whether no record of the image has said anything of it. */
export function isBuiltIn(node: Inode | undefined): boolean {
  return node?.record === builtIn;
}
