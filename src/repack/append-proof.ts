import { emptyFields, type RecordFields } from '../format/cpio-writer.js';
import { createMode } from '../format/mode.js';
import { encodePath } from '../format/path.js';
import type { Archive } from '../model/archive.js';
import type { Entry } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import { diffTrees } from '../tree/diff.js';
import { createImageEntries } from '../tree/image-entry.js';
import { mergeRecords } from '../tree/merge.js';
import type { AppendedRecord, AppendFault } from './appended-record.js';

/**
 * Lets the kernel's rules loose on the appended records: what comes out must be the tree of the image with
 * the entries put into it, and nothing else. The first difference, if there is one.
 */
export function findAppendFault(
  image: Archive,
  puts: readonly Entry[],
  appended: readonly AppendedRecord[],
): AppendFault | undefined {
  const old = describeTree(image);
  const start = old.length;
  const added = appended.map(({ header, name, target }, index) =>
    createRecord(start + index, header, name, target),
  );
  // The table of hard links is as good as reset: the new records have inode numbers of their own.
  const merged = mergeRecords([...old, undefined, ...added]);
  const lost = merged.dropped.find(({ record }) => record.index >= start);
  if (lost !== undefined) return { path: lost.record.name, reason: `a kernel would drop it: ${lost.reason}` };
  const after = createImageEntries(merged.names, noBody);
  const expected = new Map<string, Entry>(image.entries);
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

/** Records that a kernel makes the tree of the image of. */
function describeTree({ entries }: Archive): ArchiveRecord[] {
  const groups = new Map<string, number>();
  return [...entries.values()].map((entry, index) => {
    const { path, type, mode, uid, gid, mtime, size, target, device, link } = entry;
    const ino = (link === undefined ? undefined : groups.get(link)) ?? index + 1;
    const isFirst = ino === index + 1;
    if (link !== undefined) groups.set(link, ino);
    const header: RecordFields = {
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
    return createRecord(index, header, path === '' ? '.' : path, target);
  });
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
