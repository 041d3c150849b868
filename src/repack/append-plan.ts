import { emptyFields, type RecordFields } from '../format/cpio/cpio-writer.js';
import { createMode } from '../format/mode.js';
import { decodePath, encodePath } from '../format/path.js';
import type { Archive, Image } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { diffTrees } from '../tree/diff.js';
import { mergeRecords } from '../tree/merge.js';
import { coverPaths } from '../tree/resolve.js';
import { createInodes, type Inodes } from './inodes.js';
import { comparePaths } from './rewrite-plan.js';

/** One record of an archive that is appended to an image. */
export interface AppendedRecord {
  readonly header: RecordFields;
  /** As written, in the style of the image. */
  readonly name: string;
  readonly target?: string | undefined;
  /** The entry whose body it brings. */
  readonly body?: Entry | undefined;
}

/** Why an appended archive cannot express the changes, and the path that it is about. */
export interface AppendFault {
  readonly path: string;
  readonly reason: string;
}

/**
 * The records that express `changes` when a kernel reads them behind an image, or the reason why no records do. Each
 * plan is proven with the kernel's own rules before it is returned.
 */
export function planAppend(
  archive: Image,
  changes: readonly Change[],
): readonly AppendedRecord[] | AppendFault {
  const fault = findImageFault(archive) ?? findChangeFault(archive, changes);
  if (fault !== undefined) return fault;
  const puts = changes.flatMap((change) => (change.op === 'put' ? [change.entry] : []));
  const inodes = createInodes(archive, puts);
  const records = puts
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .flatMap((entry) => createRecords(archive, entry, inodes));
  return findAppendFault(archive, puts, records) ?? records;
}

/** Why nothing can be appended to this image, if so. */
export function findImageFault({ layout, faults, name }: Image): AppendFault | undefined {
  const opaque = layout.segments.find(({ kind }) => kind === 'opaque');
  const [fault] = faults.filter(({ kind }) => kind !== 'xz-filter');
  const stop = opaque?.offset ?? fault?.offset;
  if (stop === undefined) return undefined;
  const where = opaque === undefined ? `in the archive at byte ${stop}` : `at byte ${stop} of the image`;
  const reason = `a kernel stops reading ${where}, so it would not see what is behind`;
  return { path: name, reason };
}

function findChangeFault(archive: Archive, changes: readonly Change[]): AppendFault | undefined {
  const puts = new Map(
    changes.flatMap((change) => (change.op === 'put' ? [[change.entry.path, change.entry] as const] : [])),
  );
  const removals = changes.flatMap((change) => (change.op === 'remove' ? [change.path] : []));
  const isGone = coverPaths(removals);
  for (const path of removals.length === 0 ? [] : archive.entries.keys())
    if (isGone(path) && !puts.has(path))
      return { path, reason: 'it is removed, and an appended archive cannot take a name away' };
  for (const { path, type, mtime } of puts.values()) {
    const old = archive.entries.get(path);
    const isOldTime = type === 'directory' && old?.type === 'directory' && old.mtime !== mtime;
    if (isOldTime) return { path, reason: 'a directory keeps the time of its first record' };
  }
  return undefined;
}

function createRecords(archive: Archive, entry: Entry, inodes: Inodes): AppendedRecord[] {
  const segment = archive.layout.root;
  const { first, ...identity } = inodes.identify(entry, undefined, segment);
  const name = decodePath(inodes.name(entry.path, segment));
  const target = entry.type === 'symlink' ? (entry.target ?? '') : undefined;
  const hasBody = entry.type === 'file' && first;
  const filesize = target === undefined ? (hasBody ? entry.size : 0) : encodePath(target).length;
  const header: RecordFields = {
    ...identity,
    mode: createMode(entry.type, entry.mode),
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    filesize,
    rdevmajor: entry.device?.major ?? 0,
    rdevminor: entry.device?.minor ?? 0,
  };
  const record = { header, name, target, body: hasBody && filesize > 0 ? entry : undefined };
  // A further name of a group replaces what is at its path.
  if (!first || !keepsInode(archive, entry)) return [record];
  return [createUnlinkingRecord(entry, name, inodes, segment), record];
}

/**
 * Whether a kernel would wrongly reuse the old inode: it rewrites a file in place, with all its hard links, and a device
 * keeps its number.
 */
function keepsInode(archive: Archive, { path, type }: Entry): boolean {
  const old = archive.entries.get(path);
  if (old?.type !== type || type === 'directory' || type === 'symlink') return false;
  return type !== 'file' || old.link !== undefined;
}

/** A kernel unlinks a name when a record of another type comes; the record that follows gets a new inode. */
function createUnlinkingRecord(entry: Entry, name: string, inodes: Inodes, segment: number): AppendedRecord {
  const { path, mtime } = entry;
  const other = entry.type === 'fifo' ? 'socket' : 'fifo';
  const stand: Entry = { path, type: other, mode: 0, uid: 0, gid: 0, mtime, size: 0, body: entry.body };
  const { first: _, ...identity } = inodes.identify(stand, undefined, segment);
  return { header: { ...identity, mode: createMode(other, 0), mtime }, name };
}

/**
 * Applies the kernel's rules to the appended records: the result must be the tree of the image with the entries put into
 * it, and nothing else. Returns the first difference.
 */
function findAppendFault(
  archive: Archive,
  puts: readonly Entry[],
  appended: readonly AppendedRecord[],
): AppendFault | undefined {
  const old = describeTree(archive);
  const start = old.length;
  const added = appended.map(({ header, name, target }, index) =>
    createRecord(start + index, header, name, target),
  );
  // The new records have inode numbers of their own, so the table of hard links is as good as reset.
  const merged = mergeRecords([...old, undefined, ...added], noBody);
  const lost = merged.dropped.find(({ record }) => record.index >= start);
  if (lost !== undefined) return { path: lost.record.name, reason: `a kernel would drop it: ${lost.reason}` };
  const after = merged.entries;
  const expected = new Map<string, Entry>(archive.entries);
  for (const entry of puts)
    expected.set(entry.path, {
      ...entry,
      // No group of the image goes on in a name that was put.
      link: entry.link === undefined ? undefined : `put ${entry.link}`,
    });
  const isPut = new Set(puts.map(({ path }) => path));
  const hasOtherBody = (path: string) => {
    const index = after.get(path)?.data.index ?? 0;
    return isPut.has(path) !== index >= start && (after.get(path)?.size ?? 0) > 0;
  };
  const [difference] = diffTrees(expected, after, hasOtherBody).differences;
  if (difference === undefined) return undefined;
  const { path, kind, fields } = difference;
  const [field] = fields;
  const what = field === undefined ? kind : `${field.field} ${field.after} instead of ${field.before}`;
  return { path, reason: `a kernel would make something else of it: ${what.replaceAll('\n', ' = ')}` };
}

/** Records of which a kernel makes the tree of the image. */
function describeTree({ entries }: Archive): ArchiveRecord[] {
  const groups = new Map<string, number>();
  const records: ArchiveRecord[] = [];
  const add = (header: RecordFields, name: string, target?: string) =>
    records.push(createRecord(records.length, header, name, target));
  for (const entry of entries.values()) {
    const { path, type, target, link } = entry;
    const known = link === undefined ? undefined : groups.get(link);
    const ino = known ?? records.length + 1;
    if (link !== undefined) groups.set(link, ino);
    const header = describeEntry(entry, ino, known === undefined);
    const name = path === '' ? '.' : path;
    const isShared = type === 'symlink' && link !== undefined;
    // A symlink has a second name where it took the place of something else, of which a later record is a hard link.
    if (isShared) add({ ...header, mode: createMode('fifo', 0), filesize: 0 }, name);
    if (!isShared || known === undefined) add({ ...header, ...(isShared && { nlink: 1 }) }, name, target);
  }
  return records;
}

function describeEntry(entry: Entry, ino: number, isFirst: boolean): RecordFields {
  const { type, mode, uid, gid, mtime, size, device, link } = entry;
  return {
    ino,
    nlink: link === undefined ? 1 : 2,
    mode: createMode(type, mode),
    uid,
    gid,
    mtime,
    filesize: type === 'symlink' || (type === 'file' && isFirst) ? size : 0,
    rdevmajor: device?.major ?? 0,
    rdevminor: device?.minor ?? 0,
  };
}

function createRecord(
  index: number,
  fields: RecordFields,
  name: string,
  target: string | undefined,
): ArchiveRecord {
  const namesize = encodePath(name).length + 1;
  const header = { ...emptyFields, ...fields, magic: '070701', namesize, check: 0 } as const;
  return { segment: 0, index, position: 0, header, name, ...(target === undefined ? {} : { target }) };
}

async function* noBody(): AsyncGenerator<Uint8Array, void, void> {}
