import { showPath } from '../format/path.js';
import { digestBody, digestFiles } from '../io/digest.js';
import type { Archive } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import { addToGroup } from '../model/image/groups.js';
import { groupLinks, type LinkNames } from '../tree/links.js';
import { coverPaths } from '../tree/resolve.js';

export interface RefinedDelta {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
}

/**
 * What really differs from the image in a raw list of changes. An engine also reports directories whose time moved
 * because something in them changed, and files that were written with the same bytes. Times after the stamp are
 * brought back to it, so that two builds give the same bytes. A changed file whose body was read for the comparison
 * has its digest, so a second comparison reads nothing.
 */
export async function refineDelta(
  image: Archive,
  raw: readonly Change[],
  stamp: number,
): Promise<RefinedDelta> {
  const puts = raw.flatMap((change) => (change.op === 'put' ? [change.entry] : []));
  const removes = raw
    .flatMap((change) => (change.op === 'remove' ? [change.path] : []))
    .filter((path) => image.entries.has(path));
  let names: LinkNames | undefined;
  const groupBefore: LinkNames = (path) => {
    names ??= groupLinks(image.entries.values());
    return names(path);
  };
  const groupAfter = groupLinks(puts);
  const gone = coverPaths(removes);
  const alike = puts.filter(
    (entry) => !gone(entry.path) && isAlike(entry, image.entries.get(entry.path), groupBefore, groupAfter),
  );
  const { same, digests } = await compareContent(image, alike);
  const changed = puts.filter((entry) => !same.has(entry));
  const changes: Change[] = [
    ...removes.map((path): Change => ({ op: 'remove', path })),
    ...changed.map((entry): Change => {
      const mtime = clampTime(entry, image, stamp);
      return { op: 'put', entry: { ...entry, mtime, sha256: digests.get(entry) ?? entry.sha256 } };
    }),
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

interface Comparison {
  /** Entries that are as the image has them. */
  readonly same: ReadonlySet<Entry>;
  /** Of all regular files among the compared entries. */
  readonly digests: ReadonlyMap<Entry, string>;
}

async function compareContent(image: Archive, entries: readonly Entry[]): Promise<Comparison> {
  const files = entries.filter(({ type }) => type === 'file');
  const paths = files.map(({ path }) => path);
  const before = await digestFiles(image, paths);
  const digests = new Map<Entry, string>();
  for (const entry of files) digests.set(entry, await digestBody(entry));
  const same = entries.filter(
    (entry) => entry.type !== 'file' || digests.get(entry) === before.get(entry.path),
  );
  return { same: new Set(same), digests };
}

function clampTime(entry: Entry, image: Archive, stamp: number): number {
  const old = image.entries.get(entry.path);
  const isOld = entry.type === 'directory' && old?.type === 'directory';
  return isOld ? old.mtime : Math.min(entry.mtime, stamp);
}

/** A name of a hard-link group that got other bytes alone: the other names keep the old ones. */
function findSplitLinks(image: Archive, changes: readonly Change[]): string[] {
  const isLinked = (change: Change) =>
    change.op === 'put' && image.entries.get(change.entry.path)?.link !== undefined;
  if (!changes.some(isLinked)) return [];
  const groups = new Map<string, string[]>();
  for (const { path, link } of image.entries.values()) if (link !== undefined) addToGroup(groups, link, path);
  const touched = new Set(changes.flatMap((change) => (change.op === 'put' ? [change.entry.path] : [])));
  return [...groups.values()].flatMap((paths) => {
    const changed = paths.filter((path) => touched.has(path));
    if (changed.length === 0 || changed.length === paths.length) return [];
    const others = paths.filter((path) => !touched.has(path));
    return [`hard links split: ${listSome(changed)} changed, ${listSome(others)} kept the old contents`];
  });
}

/** Names that a warning has of each side. */
const mostNamed = 20;

function listSome(paths: readonly string[]): string {
  const more = paths.length > mostNamed ? ` and ${paths.length - mostNamed} more` : '';
  return `${paths.slice(0, mostNamed).map(showPath).join(', ')}${more}`;
}
