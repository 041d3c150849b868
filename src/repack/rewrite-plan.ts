import type { Archive, ImageEntry } from '../model/archive.js';
import type { Change } from '../model/change.js';
import type { Entry } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import { ancestorPaths, coverPaths } from '../tree/resolve.js';
import { assertWritable } from './assert-writable.js';
import { planLinks } from './link-plan.js';
import type { RecordAction } from './record-action.js';

export interface RewritePlan {
  readonly actions: ReadonlyMap<ArchiveRecord, RecordAction>;
  /** Segment index -> entries that are added at its end, parents first. */
  readonly additions: ReadonlyMap<number, readonly Entry[]>;
  /** Segments that are written anew; all others are copied. */
  readonly touched: ReadonlySet<number>;
}

/**
 * Decides how changes are expressed in an image. A changed path keeps the place of the record that counts
 * (the last one), so that a kernel sees everything in the old order; new paths go to the end of the root
 * segment, or of the segment that brings their directory when that comes later.
 */
export function planRewrite(image: Archive, changes: readonly Change[]): RewritePlan {
  const removes = changes.flatMap((change) => (change.op === 'remove' ? [change.path] : []));
  const puts = new Map(
    changes.flatMap((change) => (change.op === 'put' ? [[change.entry.path, change.entry] as const] : [])),
  );
  const isGone = coverPaths(removes);
  for (const entry of puts.values()) assertWritable(entry);
  const recordsByPath = groupRecords(image, (path) => puts.has(path) || isGone(path));
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
    const both = entry.type === 'directory' && image.entries.get(entry.path)?.type === 'directory';
    for (const record of records) if (record !== place && !both) actions.set(record, { do: 'drop' });
  }
  for (const [record, action] of planLinks(image, actions)) actions.set(record, action);

  const additions = placeAdditions(image, added);
  const touched = new Set([...additions.keys(), ...[...actions.keys()].map((record) => record.segment)]);
  return { actions, additions, touched };
}

function groupRecords(image: Archive, wanted: (path: string) => boolean): Map<string, ArchiveRecord[]> {
  const groups = new Map<string, ArchiveRecord[]>();
  for (const record of image.records) {
    const path = image.placed[record.index]?.path;
    if (path === undefined || !wanted(path)) continue;
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [record]);
    else group.push(record);
  }
  return groups;
}

/** Hard-link groups stay together: the kernel forgets its link table at every TRAILER. */
function placeAdditions(image: Archive, entries: readonly Entry[]): Map<number, Entry[]> {
  const groups = new Map<string, number>();
  const segmentOf = (entry: Entry) => findSegment(image, entry.path);
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

function findSegment(image: Archive, path: string): number {
  const parent = ancestorPaths(path)
    .map((ancestor) => image.entries.get(ancestor))
    .findLast((entry): entry is ImageEntry => entry !== undefined);
  if (parent === undefined) return image.layout.root;
  const first = image.records.find((record) => image.placed[record.index]?.path === parent.path);
  return Math.max(image.layout.root, first?.segment ?? 0);
}

/** Component by component, so that a directory comes before what is in it. */
export function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/').join('\0'), b.split('/').join('\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}
