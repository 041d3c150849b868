import { parsePermissions } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { Device, EntryType } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';

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

const noId = 0xffffffff;
const setGroupId = 0o2000;

/** Of what the kernel's own built-in archive brings (usr/default_cpio_list). */
export const builtIn: ArchiveRecord = {
  segment: -1,
  index: -1,
  position: 0,
  name: '',
  header: {
    magic: '070701',
    ino: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    nlink: 1,
    mtime: 0,
    filesize: 0,
    devmajor: 0,
    devminor: 0,
    rdevmajor: 5,
    rdevminor: 1,
    namesize: 1,
    check: 0,
  },
};

/** A new file of the kernel's: root's, but in a set-group-id directory the directory's group's. */
export function createInode(
  id: number,
  record: ArchiveRecord,
  type: EntryType,
  parent: Inode | undefined,
): Inode {
  const { mode, mtime, filesize, rdevmajor, rdevminor } = record.header;
  const isDevice = type === 'character' || type === 'block';
  const target = type === 'symlink' ? untilNul(record.target ?? '') : undefined;
  return {
    id,
    type,
    target,
    device: isDevice ? { major: rdevmajor, minor: rdevminor } : undefined,
    mode: parsePermissions(mode),
    uid: 0,
    gid: parent !== undefined && (parent.mode & setGroupId) !== 0 ? parent.gid : 0,
    mtime,
    size: target === record.target || target === undefined ? filesize : encodePath(target).length,
    record,
    data: record,
    names: 0,
    children: 0,
  };
}

/** What chown and chmod do with the fields of a record. */
export function describe(node: Inode, record: ArchiveRecord): void {
  own(node, record);
  node.mode = parsePermissions(record.header.mode);
  node.record = record;
}

/** The kernel's strings end at a NUL. */
function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** An id of 0xffffffff means "as it is" to chown. */
export function own(node: Inode, { header }: ArchiveRecord): void {
  if (header.uid !== noId) node.uid = header.uid;
  if (header.gid !== noId) node.gid = header.gid;
}
