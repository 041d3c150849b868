import { MobyPatchError } from '../model/error.js';
import type { ArchiveRecord, Image, ImageEntry } from '../model/layout.js';
import type { RecordAction } from './record-action.js';

/**
 * Actions for the names that stay of hard-link groups of which some go. Their count is set right, since
 * the kernel only links what has two or more; and when the record with the body goes (GNU cpio puts it
 * into the last name, others into the first), a name that stays takes the body over.
 */
export function planLinks(
  image: Image,
  actions: ReadonlyMap<ArchiveRecord, RecordAction>,
): Map<ArchiveRecord, RecordAction> {
  const relinks = new Map<ArchiveRecord, RecordAction>();
  for (const { type, data, records } of listSharedFiles(image)) {
    const left = records.filter((record) => !actions.has(record));
    if (left.length === records.length || left.length === 0) continue;
    const staying = left.filter((record) => !isRepeated(image, record, left));
    for (const record of left) if (!staying.includes(record)) relinks.set(record, { do: 'drop' });
    const nlink = staying.filter(isLinked).length;
    for (const record of staying.filter(isLinked)) relinks.set(record, { do: 'relink', nlink });
    const names = staying.filter((record) => isName(image, record));
    if (type !== 'file' || staying.includes(data) || names.length === 0) continue;
    relinks.set(chooseHeir(names, data), { do: 'relink', nlink: Math.max(nlink, 1), carry: data });
  }
  return relinks;
}

/**
 * Whether a later record of the group has the same name: once the first name of a group comes again, the
 * kernel removes it to link it to itself, and the file is gone.
 */
function isRepeated(image: Image, record: ArchiveRecord, group: readonly ArchiveRecord[]): boolean {
  const path = image.placed[record.index]?.path;
  return (
    isLinked(record) &&
    group.some(
      (other) => other.index > record.index && isLinked(other) && image.placed[other.index]?.path === path,
    )
  );
}

function isLinked(record: ArchiveRecord): boolean {
  return record.header.nlink > 1;
}

/** Whether the file still has the record's name in the end: nothing came to that path later. */
function isName(image: Image, record: ArchiveRecord): boolean {
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
function listSharedFiles(image: Image): SharedFile[] {
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
