import { parseType } from '../format/mode.js';
import type { Archive, ImageEntry } from '../model/archive.js';
import type { Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { ArchiveRecord } from '../model/layout.js';

/**
 * Actions for the names that stay of hard-link groups of which some go. Their count is set right, since
 * the kernel only links what has two or more; and when the record with the body goes (GNU cpio puts it
 * into the last name, others into the first), a name that stays takes the body over.
 */
export function planLinks(
  image: Archive,
  actions: ReadonlyMap<ArchiveRecord, RecordAction>,
): Map<ArchiveRecord, RecordAction> {
  const relinks = new Map<ArchiveRecord, RecordAction>();
  for (const { type, data, records } of listSharedFiles(image)) {
    const left = records.filter((record) => !actions.has(record));
    if (left.length === records.length || left.length === 0) continue;
    for (const record of left)
      for (const useless of listUseless(image, record, left)) relinks.set(useless, { do: 'drop' });
    const staying = left.filter((record) => relinks.get(record)?.do !== 'drop');
    if (staying.length === 0) continue;
    const nlink = staying.filter(isLinked).length;
    for (const record of staying.filter(isLinked)) relinks.set(record, { do: 'relink', nlink });
    const names = staying.filter((record) => isName(image, record));
    if (type !== 'file' || staying.includes(data) || names.length === 0) continue;
    relinks.set(chooseHeir(names, data), { do: 'relink', nlink: Math.max(nlink, 1), carry: data });
  }
  for (const record of listRevived(image, [...actions.keys(), ...relinks.keys()]))
    relinks.set(record, { do: 'drop' });
  return relinks;
}

/**
 * Names that the kernel could not link, because the first one of their group was gone: with the records that
 * change the group may get another first name, and these would be linked to that.
 */
function listRevived(image: Archive, changed: readonly ArchiveRecord[]): readonly ArchiveRecord[] {
  const known = new Set(changed);
  const keys = new Set(changed.filter(isLinked).map(linkKey));
  const revived = image.records.filter(
    (record) => isLinked(record) && image.placed[record.index]?.inode === 0 && keys.has(linkKey(record)),
  );
  const paths = new Set(
    revived.map(({ index }) => image.placed[index]?.path).filter((path) => !image.entries.has(path ?? '')),
  );
  const isGone = ({ index }: ArchiveRecord) => paths.has(image.placed[index]?.path);
  const gone = paths.size === 0 ? [] : image.records.filter(isGone);
  return [...revived, ...gone].filter((record) => !known.has(record));
}

function linkKey({ header: { devmajor, devminor, ino, mode } }: ArchiveRecord): string {
  return `${devmajor}:${devminor}:${ino}:${parseType(mode)}`;
}

/**
 * What would not do the same in a smaller group. Once the first name of a group comes again, the kernel
 * removes it to link it to itself, and the file is gone; so a repeated name must not become the first one,
 * and what is gone by that must not come back.
 */
function listUseless(
  image: Archive,
  record: ArchiveRecord,
  group: readonly ArchiveRecord[],
): readonly ArchiveRecord[] {
  const pathOf = ({ index }: ArchiveRecord) => image.placed[index]?.path;
  const path = pathOf(record);
  if (!isLinked(record)) return [];
  if (!image.entries.has(path ?? '')) return image.records.filter((other) => pathOf(other) === path);
  const isRepeated = group.some(
    (other) => other.index > record.index && isLinked(other) && pathOf(other) === path,
  );
  return isRepeated || !isName(image, record) ? [record] : [];
}

function isLinked(record: ArchiveRecord): boolean {
  return record.header.nlink > 1;
}

/** Whether the file still has the record's name in the end: nothing came to that path later. */
function isName(image: Archive, record: ArchiveRecord): boolean {
  const placed = image.placed[record.index];
  const entry = image.entries.get(placed?.path ?? '');
  return entry !== undefined && image.placed[entry.record.index]?.inode === placed?.inode;
}

interface SharedFile {
  readonly type: ImageEntry['type'];
  readonly data: ArchiveRecord;
  /** Every record that was about this file when the kernel came to it. */
  readonly records: readonly ArchiveRecord[];
}

/** Files that several records are about, and that still have a name in the end. */
function listSharedFiles(image: Archive): SharedFile[] {
  const records = new Map<number, ArchiveRecord[]>();
  for (const record of image.records) {
    const inode = image.placed[record.index]?.inode;
    if (inode !== undefined) records.set(inode, [...(records.get(inode) ?? []), record]);
  }
  const files = new Map<number, SharedFile>();
  for (const { type, record, data } of image.entries.values()) {
    const inode = image.placed[record.index]?.inode ?? 0;
    const own = records.get(inode) ?? [];
    if (type !== 'directory' && own.some(isLinked)) files.set(inode, { type, data, records: own });
  }
  return [...files.values()];
}

/** The next name after the body's old place, so that it can be passed on; else the last one before it. */
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

/** What becomes of one record of the old image. A record without an action stays as it is. */
export type RecordAction =
  | { readonly do: 'drop' }
  | { readonly do: 'replace'; readonly entry: Entry }
  /** Stays, but its hard-link group became smaller; `carry`: it gets the group's body from that record. */
  | { readonly do: 'relink'; readonly nlink: number; readonly carry?: ArchiveRecord | undefined };
