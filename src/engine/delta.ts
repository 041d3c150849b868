import { digestBody, digestFiles } from '../io/digest.js';
import type { Archive } from '../model/archive.js';
import type { Change } from '../model/change.js';
import type { Entry } from '../model/entry.js';
import { groupLinks, type LinkNames } from '../tree/links.js';
import { coverPaths } from '../tree/resolve.js';

export interface RefinedDelta {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
}

/**
 * What really differs from the image in a raw list of changes: an engine also reports directories whose
 * time moved because something in them changed, and files that were written with the same bytes. Times
 * after the stamp are brought back to it, so that two builds give the same bytes.
 * `known`: whether an entry has the bytes that the image has at its path; what was found out is added.
 */
export async function refineDelta(
  image: Archive,
  raw: readonly Change[],
  stamp: number,
  known: WeakMap<Entry, boolean> = new WeakMap(),
): Promise<RefinedDelta> {
  const puts = raw.flatMap((change) => (change.op === 'put' ? [change.entry] : []));
  const removes = raw
    .flatMap((change) => (change.op === 'remove' ? [change.path] : []))
    .filter((path) => image.entries.has(path));
  const groupBefore = groupLinks(image.entries.values());
  const groupAfter = groupLinks(puts);
  const gone = coverPaths(removes);
  const alike = puts.filter(
    (entry) => !gone(entry.path) && isAlike(entry, image.entries.get(entry.path), groupBefore, groupAfter),
  );
  await compareContent(image, alike, known);
  const same = new Set(alike.filter((entry) => entry.type !== 'file' || known.get(entry)));
  const kept = puts.filter((entry) => !same.has(entry)).map((entry) => clampTime(entry, image, stamp, known));
  const changes: Change[] = [
    ...removes.map((path): Change => ({ op: 'remove', path })),
    ...kept.map((entry): Change => ({ op: 'put', entry })),
  ];
  return { changes, warnings: findSplitLinks(image, changes) };
}

/** The root of an image that has no entry for it, as the kernel makes it; a folder's time is that of its making. */
const ownRoot = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0 } as const satisfies Partial<Entry>;

/** Everything but the time and the bytes is as the image has it. */
function isAlike(entry: Entry, known: Entry | undefined, before: LinkNames, after: LinkNames): boolean {
  const old: Partial<Entry> | undefined = known ?? (entry.path === '' ? ownRoot : undefined);
  return (
    old !== undefined &&
    entry.type === old.type &&
    entry.mode === old.mode &&
    entry.uid === old.uid &&
    entry.gid === old.gid &&
    (entry.type === 'directory' || entry.size === old.size) &&
    entry.target === old.target &&
    entry.device?.major === old.device?.major &&
    entry.device?.minor === old.device?.minor &&
    (entry.link === undefined || before(entry.path) === after(entry.path))
  );
}

async function compareContent(
  image: Archive,
  entries: readonly Entry[],
  known: WeakMap<Entry, boolean>,
): Promise<void> {
  const files = entries.filter((entry) => entry.type === 'file' && !known.has(entry));
  const before = await digestFiles(
    image,
    files.map((entry) => entry.path),
  );
  for (const entry of files) known.set(entry, (await digestBody(entry)) === before.get(entry.path));
}

function clampTime(entry: Entry, image: Archive, stamp: number, known: WeakMap<Entry, boolean>): Entry {
  const old = image.entries.get(entry.path);
  const isOld = entry.type === 'directory' && old?.type === 'directory';
  const mtime = isOld ? old.mtime : Math.min(entry.mtime, stamp);
  if (mtime === entry.mtime) return entry;
  const clamped = { ...entry, mtime };
  const verdict = known.get(entry);
  if (verdict !== undefined) known.set(clamped, verdict);
  return clamped;
}

/** A name of a hard-link group that got other bytes alone: the other names keep the old ones. */
function findSplitLinks(image: Archive, changes: readonly Change[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { path, link } of image.entries.values())
    if (link !== undefined) groups.set(link, [...(groups.get(link) ?? []), path]);
  const touched = new Set(changes.flatMap((change) => (change.op === 'put' ? [change.entry.path] : [])));
  return [...groups.values()].flatMap((paths) => {
    const changed = paths.filter((path) => touched.has(path));
    if (changed.length === 0 || changed.length === paths.length) return [];
    const kept = paths.filter((path) => !touched.has(path));
    return [`hard links split: ${changed.join(', ')} changed, ${kept.join(', ')} kept the old contents`];
  });
}
