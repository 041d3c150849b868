import { encodePath, showPath } from '../format/path.js';
import { isWritable } from '../format/sidecar.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ErrorCode } from '../model/error/error-code.js';
import type { Archive } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { coverPaths, parentPath } from '../tree/resolve.js';
import { planLinks, type RecordAction } from './link-plan.js';

const largestNumber = 0xffffffff;
const longestComponent = 255;
const longestTarget = 4095;

export interface RewritePlan {
  readonly actions: ReadonlyMap<ArchiveRecord, RecordAction>;
  /** Entries that are added at the end of a segment, by segment, parents first. */
  readonly additions: ReadonlyMap<number, readonly Entry[]>;
  /** Segments that are written anew. */
  readonly touched: ReadonlySet<number>;
}

/**
 * Decides how changes are expressed in an image. A changed path keeps the place of its last record, the one that counts,
 * so a kernel sees everything in the old order. New paths go to the end of the root segment, or of the segment that
 * brings their directory when that comes later.
 */
export function planRewrite(archive: Archive, changes: readonly Change[]): RewritePlan {
  const removes = changes.flatMap((change) => (change.op === 'remove' ? [change.path] : []));
  const puts = new Map(
    changes.flatMap((change) => (change.op === 'put' ? [[change.entry.path, change.entry] as const] : [])),
  );
  const isGone = coverPaths(removes);
  for (const entry of puts.values()) assertWritable(entry);
  const recordsByPath = groupRecords(archive, (path) => puts.has(path) || isGone(path));
  const actions = new Map<ArchiveRecord, RecordAction>();
  const added: Entry[] = [];

  for (const [path, records] of recordsByPath) {
    if (!puts.has(path)) for (const record of records) actions.set(record, { do: 'drop' });
  }
  for (const entry of puts.values()) {
    const records = recordsByPath.get(entry.path) ?? [];
    const place = entry.link === undefined ? records.at(-1) : undefined;
    if (place === undefined) added.push(entry);
    else actions.set(place, { do: 'replace', entry });
    const both = entry.type === 'directory' && archive.entries.get(entry.path)?.type === 'directory';
    for (const record of records) if (record !== place && !both) actions.set(record, { do: 'drop' });
  }
  for (const [record, action] of planLinks(archive, actions)) actions.set(record, action);

  const additions = placeAdditions(archive, added);
  const touched = new Set([...additions.keys(), ...[...actions.keys()].map((record) => record.segment)]);
  return { actions, additions, touched };
}

function groupRecords(archive: Archive, wanted: (path: string) => boolean): Map<string, ArchiveRecord[]> {
  const groups = new Map<string, ArchiveRecord[]>();
  for (const record of archive.records) {
    const path = archive.placed.get(record)?.path;
    if (path === undefined || !wanted(path)) continue;
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [record]);
    else group.push(record);
  }
  return groups;
}

/** Hard-link groups stay together: the kernel clears its link table at every TRAILER. */
function placeAdditions(archive: Archive, entries: readonly Entry[]): Map<number, Entry[]> {
  const groups = new Map<string, number>();
  const segments = findSegments(archive, entries);
  const segmentOf = ({ path }: Entry) => segments.get(findParent(archive, path) ?? '') ?? archive.layout.root;
  for (const entry of entries) {
    if (entry.link !== undefined)
      groups.set(entry.link, Math.max(groups.get(entry.link) ?? 0, segmentOf(entry)));
  }
  const placed = new Map<number, Entry[]>();
  for (const entry of entries.toSorted((a, b) => comparePaths(a.path, b.path))) {
    const segment = Math.max(segmentOf(entry), groups.get(entry.link ?? '') ?? 0);
    const others = placed.get(segment);
    if (others === undefined) placed.set(segment, [entry]);
    else others.push(entry);
  }
  return placed;
}

/** The segments in which the nearest directories above these entries begin, by the paths of the directories. */
function findSegments({ records, placed, layout, ...archive }: Archive, entries: readonly Entry[]) {
  const wanted = new Set(entries.map(({ path }) => findParent(archive, path)));
  const segments = new Map<string, number>();
  for (const record of records) {
    const path = placed.get(record)?.path;
    if (path !== undefined && wanted.has(path) && !segments.has(path))
      segments.set(path, Math.max(layout.root, record.segment));
  }
  return segments;
}

/** The nearest directory above a path that the image has. */
function findParent({ entries }: Pick<Archive, 'entries'>, path: string): string | undefined {
  for (let at = path; at.includes('/'); ) {
    at = parentPath(at);
    if (entries.has(at)) return at;
  }
  return undefined;
}

/** Compares component by component: a directory comes before its contents. */
export function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/').join('\0'), b.split('/').join('\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Refuses an entry that newc cannot express, or that a kernel would skip silently. Errors
 * (`invalid`): `name-unwritable`, `target-unwritable`, `number-unwritable`; `file-too-large`.
 */
function assertWritable(entry: Entry): void {
  const { path, type, size, target, device } = entry;
  const refuse = (code: ErrorCode, message: string, hint?: string) => {
    throw new MobyPatchError('invalid', code, message, { path: showPath(path.slice(0, 200)), hint });
  };
  if (path === '' ? type !== 'directory' : !isWritable(path) || path.includes('\0'))
    refuse('name-unwritable', nameReason(path), 'a name has 1 to 4095 bytes and no NUL');
  const component = path.split('/').find((part) => encodePath(part).length > longestComponent);
  if (component !== undefined)
    refuse('name-unwritable', 'found a component of more than 255 bytes: a kernel would skip the entry');
  if (type === 'file' && size > largestNumber)
    refuse(
      'file-too-large',
      `found a file of ${size} bytes, wanted less than 4 GiB: the size has 32 bits in a cpio archive`,
      'leave the file out of the image, or mount what holds it',
    );
  if (type === 'symlink' && (encodePath(target ?? '').length > longestTarget || target?.includes('\0')))
    refuse('target-unwritable', 'found a symlink target of more than 4095 bytes, or with a NUL');
  const numbers = { uid: entry.uid, gid: entry.gid, mtime: entry.mtime, ...device };
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isInteger(value) || value < 0 || value > largestNumber)
      refuse('number-unwritable', `found the ${name} ${value}, wanted a whole number of 32 bits`);
}

function nameReason(path: string): string {
  if (path === '') return 'found an empty name, which only the root directory has';
  return path.includes('\0')
    ? 'found a name with a NUL'
    : `found a name of ${encodePath(path).length} bytes, wanted at most 4095: a kernel skips longer ones`;
}
