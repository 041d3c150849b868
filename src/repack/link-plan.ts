import { parseType } from '../format/mode.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive, ImageEntry } from '../model/image/archive.js';
import type { Entry } from '../model/image/entry.js';
import { addToGroup } from '../model/image/groups.js';
import type { ArchiveRecord } from '../model/image/layout.js';

/**
 * Actions for the remaining names of hard-link groups that lose some. Their link count is corrected, since the kernel
 * only links records that have two or more. When the record with the body goes (GNU cpio puts it into the last name,
 * others into the first), a remaining name takes the body over.
 */
export function planLinks(
  archive: Archive,
  actions: ReadonlyMap<ArchiveRecord, RecordAction>,
): Map<ArchiveRecord, RecordAction> {
  const relinks = new Map<ArchiveRecord, RecordAction>();
  for (const { type, data, records } of listSharedFiles(archive)) {
    const left = records.filter((record) => !actions.has(record));
    if (left.length === records.length || left.length === 0) continue;
    for (const useless of listUseless(archive, left)) relinks.set(useless, { do: 'drop' });
    const staying = left.filter((record) => relinks.get(record)?.do !== 'drop');
    if (staying.length === 0) continue;
    const nlink = staying.filter(isLinked).length;
    for (const record of staying.filter(isLinked)) relinks.set(record, { do: 'relink', nlink });
    const names = staying.filter((record) => isName(archive, record));
    if (type !== 'file' || staying.includes(data) || names.length === 0) continue;
    relinks.set(chooseHeir(names, data), { do: 'relink', nlink: Math.max(nlink, 1), carry: data });
  }
  for (const record of listRevived(archive, [...actions.keys(), ...relinks.keys()]))
    relinks.set(record, { do: 'drop' });
  return relinks;
}

/**
 * Names that the kernel could not link because the first name of their group was gone. With the changed records the
 * group may get another first name, and the kernel would link them to it.
 */
function listRevived(archive: Archive, changed: readonly ArchiveRecord[]): readonly ArchiveRecord[] {
  const known = new Set(changed);
  const keys = new Set(changed.filter(isLinked).map(linkKey));
  const revived = archive.records.filter(
    (record) => isLinked(record) && archive.placed.get(record)?.inode === 0 && keys.has(linkKey(record)),
  );
  const paths = new Set(
    revived
      .map((record) => archive.placed.get(record)?.path)
      .filter((path) => !archive.entries.has(path ?? '')),
  );
  const isGone = (record: ArchiveRecord) => paths.has(archive.placed.get(record)?.path);
  const gone = paths.size === 0 ? [] : archive.records.filter(isGone);
  return [...revived, ...gone].filter((record) => !known.has(record));
}

function linkKey({ header: { devmajor, devminor, ino, mode } }: ArchiveRecord): string {
  return `${devmajor}:${devminor}:${ino}:${parseType(mode)}`;
}

/**
 * Records that would act differently in this smaller group. When the first name of a group comes again, the kernel removes
 * it to link it to itself, and the file is gone. So a repeated name must not become the first one, and a file that is
 * gone in this way must not come back.
 */
function listUseless(archive: Archive, group: readonly ArchiveRecord[]): readonly ArchiveRecord[] {
  const pathOf = (record: ArchiveRecord) => archive.placed.get(record)?.path;
  const linked = group.filter(isLinked);
  const last = new Map(linked.map((record) => [pathOf(record), record.index]));
  const lost = new Set(linked.map(pathOf).filter((path) => !archive.entries.has(path ?? '')));
  const gone = lost.size === 0 ? [] : archive.records.filter((record) => lost.has(pathOf(record)));
  const repeated = linked.filter((record) => {
    const isRepeated = (last.get(pathOf(record)) ?? 0) > record.index;
    return !lost.has(pathOf(record)) && (isRepeated || !isName(archive, record));
  });
  return [...gone, ...repeated];
}

function isLinked(record: ArchiveRecord): boolean {
  return record.header.nlink > 1;
}

/** Whether the file has the record's name in the end: no later record has its path. */
function isName(archive: Archive, record: ArchiveRecord): boolean {
  const placed = archive.placed.get(record);
  const entry = archive.entries.get(placed?.path ?? '');
  return entry !== undefined && archive.placed.get(entry.record)?.inode === placed?.inode;
}

interface SharedFile {
  readonly type: ImageEntry['type'];
  readonly data: ArchiveRecord;
  /** Every record that referred to this file when the kernel read it. */
  readonly records: readonly ArchiveRecord[];
}

/** Files with several records that have a name in the end. */
function listSharedFiles(archive: Archive): SharedFile[] {
  const inodeOf = (record: ArchiveRecord) => archive.placed.get(record)?.inode;
  // Most files have one record, and most images few links: the others are not worth a list each.
  const linked = new Set<number | undefined>();
  for (const record of archive.records) if (isLinked(record)) linked.add(inodeOf(record));
  if (linked.size === 0) return [];
  const records = new Map<number, ArchiveRecord[]>();
  for (const record of archive.records) {
    const inode = inodeOf(record);
    if (inode !== undefined && linked.has(inode)) addToGroup(records, inode, record);
  }
  const files = new Map<number, SharedFile>();
  for (const { type, record, data } of archive.entries.values()) {
    const inode = inodeOf(record) ?? 0;
    const own = records.get(inode) ?? [];
    if (type !== 'directory' && own.some(isLinked)) files.set(inode, { type, data, records: own });
  }
  return [...files.values()];
}

/** The next name behind the old place of the body, so that the body can be passed on; else the last one before it. */
function chooseHeir(staying: readonly ArchiveRecord[], data: ArchiveRecord): ArchiveRecord {
  const heir =
    staying.find((record) => record.index > data.index) ??
    staying.findLast((record) => record.segment === data.segment);
  if (heir !== undefined) return heir;
  throw new MobyPatchError(
    'failed',
    'links-across-segments',
    'a file whose contents stand in a later segment than the names that stay cannot be kept',
    {
      path: data.name,
      hint: 'change or remove all names of the hard-linked file',
    },
  );
}

/** What happens to one record of the old image. A record without an action stays as it is. */
export type RecordAction =
  | { readonly do: 'drop' }
  | { readonly do: 'replace'; readonly entry: Entry }
  /** Stays, but its hard-link group became smaller. `carry`: the record whose body it takes over. */
  | { readonly do: 'relink'; readonly nlink: number; readonly carry?: ArchiveRecord | undefined };
