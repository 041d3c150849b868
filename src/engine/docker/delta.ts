import { showPath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Change } from '../../model/image/change.js';
import type { Bytes, Entry } from '../../model/image/entry.js';
import { parentPath } from '../../tree/resolve.js';
import { createLeftSize, mostLeft } from '../left-size.js';
import { isBlind } from '../rights.js';
import type { BodyFile } from './body-file.js';
import { type ListedEntry, type RootEntry, type RootListing, readRoot } from './root-listing.js';

export interface Delta {
  /** Removals first, each before what replaces it. */
  readonly changes: readonly Change[];
  /** Paths that got a file capability or another extended attribute. */
  readonly attributed: readonly { readonly path: string; readonly names: readonly string[] }[];
}

/** The first name of a file -> all its names that are not blind. */
type Groups = ReadonlyMap<string, readonly string[]>;

/**
 * The differences of a root from `before`, by comparing every byte: no time, no inode and no word of a storage driver is
 * trusted. `export` is the one call that every daemon answers alike: `commit` and `save` write the whole root three
 * times before it comes, and `diff` compares times and sizes. `exportRoot` gives the root as a tar, which must not change
 * meanwhile; it is called a second time when an old file turns out to have a new name. Bodies go to `bodies`.
 */
export async function readDelta(
  exportRoot: () => Promise<Bytes>,
  before: RootListing,
  bodies: BodyFile,
  most = mostLeft,
): Promise<Delta> {
  const left = createLeftSize(most + sumSizes(before));
  const now = new Map<string, RootEntry>();
  const places = new Map<string, number>();
  let start = bodies.end();
  for await (const entry of readRoot(await exportRoot(), bodies, left)) {
    now.set(entry.path, entry);
    if (isAlike(entry.listed, before.get(entry.path))) bodies.rewind(start);
    else if (bodies.end() > start) places.set(entry.path, start);
    start = bodies.end();
  }
  const groups = groupNames(now.values());
  const renamed = new Set(
    [...groups].filter(([, names]) => isNewGroup(names, before)).map(([first]) => first),
  );
  const changed = [...now.values()].filter(
    (entry) =>
      !isBlind(entry.path) &&
      (renamed.has(firstName(entry)) || !isAlike(entry.listed, before.get(entry.path))),
  );
  const missing = changed.map(firstName).filter((path) => hasBody(now.get(path)) && !places.has(path));
  if (missing.length > 0) await readMissing(await exportRoot(), new Set(missing), now, bodies, places);
  await bodies.flush();
  const gone = [...before].filter(([path, listed]) => !isBlind(path) && isGone(path, listed, now));
  return {
    changes: [
      ...gone.map(([path]): Change => ({ op: 'remove', path })),
      ...changed.map((entry): Change => ({ op: 'put', entry: createEntry(entry, groups, bodies, places) })),
    ],
    attributed: changed.flatMap(({ path, listed }) =>
      listed.attributes === undefined ? [] : [{ path, names: listed.attributes }],
    ),
  };
}

function sumSizes(listing: RootListing): number {
  return [...listing.values()].reduce((sum, { type, size }) => sum + (type === 'file' ? size : 0), 0);
}

const compared = ['type', 'mode', 'uid', 'gid', 'size', 'target', 'sha256'] as const;

/** Nothing but the other names differs. */
function isAlike(now: ListedEntry, before: ListedEntry | undefined): boolean {
  return (
    before !== undefined &&
    compared.every((field) => now[field] === before[field]) &&
    now.device?.major === before.device?.major &&
    now.device?.minor === before.device?.minor &&
    now.attributes?.join() === before.attributes?.join()
  );
}

/** Files with one name are left out. */
function groupNames(entries: Iterable<RootEntry>): Groups {
  const groups = new Map<string, string[]>();
  for (const { path, listed } of entries) {
    if (listed.first === undefined || listed.type !== 'file') continue;
    const names = groups.get(listed.first) ?? [listed.first].filter((name) => !isBlind(name));
    groups.set(listed.first, names);
    if (!isBlind(path)) names.push(path);
  }
  return groups;
}

/**
 * Whether names have come together that were not names of one file. That a group has lost a name is no change of
 * the others: overlayfs takes a name that is written to out of its group.
 */
function isNewGroup(names: readonly string[], before: RootListing): boolean {
  return new Set(names.map((name) => before.get(name)?.first ?? name)).size > 1;
}

function isGone(path: string, listed: ListedEntry, now: ReadonlyMap<string, RootEntry>): boolean {
  const current = now.get(path)?.listed;
  if (current !== undefined) return listed.type === 'directory' && current.type !== 'directory';
  const parent = parentPath(path);
  return parent === '' || now.get(parent)?.listed.type === 'directory';
}

/** The bodies of files that seemed to be unchanged. */
async function readMissing(
  tar: Bytes,
  wanted: ReadonlySet<string>,
  now: ReadonlyMap<string, RootEntry>,
  bodies: BodyFile,
  places: Map<string, number>,
): Promise<void> {
  let start = bodies.end();
  for await (const { path, listed } of readRoot(tar, bodies)) {
    if (!wanted.has(path)) bodies.rewind(start);
    else if (listed.sha256 === now.get(path)?.listed.sha256) places.set(path, start);
    start = bodies.end();
  }
  const lost = [...wanted].find((path) => !places.has(path));
  if (lost === undefined) return;
  throw new MobyPatchError(
    'infrastructure',
    'docker-answer',
    `${showPath(lost)} changed in the container while it was read`,
  );
}

function createEntry(
  entry: RootEntry,
  groups: Groups,
  bodies: BodyFile,
  places: ReadonlyMap<string, number>,
): Entry {
  const { type, mode, uid, gid, size, target, device, sha256 } = entry.listed;
  const first = firstName(entry);
  const length = type === 'file' ? size : 0;
  const at = places.get(first) ?? 0;
  return {
    path: entry.path,
    type,
    mode,
    uid,
    gid,
    mtime: entry.mtime,
    size,
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    ...(sha256 !== undefined && { sha256 }),
    ...((groups.get(first)?.length ?? 0) > 1 && { link: `docker:${first}` }),
    body: () => bodies.read(at, length),
  };
}

function firstName({ path, listed }: RootEntry): string {
  return listed.first ?? path;
}

function hasBody(entry: RootEntry | undefined): boolean {
  return entry?.listed.type === 'file' && entry.listed.size > 0;
}
