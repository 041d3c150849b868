import type { Change } from '../../model/image/change.js';
import type { Entry } from '../../model/image/entry.js';
import { parentPath } from '../../tree/resolve.js';
import type { SourceEntry, SourceTree } from './source-tree.js';

/** An image as it was when it was unpacked. */
export interface Reference {
  readonly entries: ReadonlyMap<string, Entry>;
  /** There was no image: every entry is new. */
  readonly isNew: boolean;
  /** Paths that a folder or tar cannot show. */
  readonly kept: ReadonlySet<string>;
  /** The permission bits that the folder itself was left with; absent: all of the image's. */
  readonly top?: number | undefined;
  /** The digest of a regular file's body in the image. */
  digest(path: string): string | undefined;
}

/**
 * What was changed in a folder or tar since the image was unpacked into it. A time alone is no change: copying a folder
 * sets all times, and a directory has the time of the last name made in it. An entry with the same content keeps its
 * time. What the image has and the folder cannot hold stays, as long as its directory does.
 */
export function findChanges(reference: Reference, source: SourceTree): Change[] {
  const changes: Change[] = [];
  const removed = new Set<string>();
  for (const [path, old] of reference.entries) {
    const now = source.entries.get(path);
    if (path !== '' && removed.has(parentPath(path))) removed.add(path);
    else if (now === undefined ? path !== '' && !reference.kept.has(path) : isOtherKind(old, now)) {
      removed.add(path);
      changes.push({ op: 'remove', path });
    }
  }
  const wanted = new Map<string, WantedName>();
  for (const [path, now] of source.entries) {
    // An image without a record of its root does not get one.
    if (path === '' && !reference.isNew && !reference.entries.has('')) continue;
    const old = removed.has(path) ? undefined : reference.entries.get(path);
    wanted.set(path, createWanted(old, now, source, reference));
  }
  for (const { entry } of groupNames(wanted, reference)) changes.push({ op: 'put', entry });
  return changes;
}

/** An entry that the new image must have. */
interface WantedName {
  readonly entry: Entry;
  /** Whether anything but its links differs from the image. */
  readonly changed: boolean;
  /** As the folder or tar shows it. */
  readonly link: string | undefined;
}

/** A directory that became something else takes its contents with it. */
function isOtherKind(old: Entry, now: SourceEntry): boolean {
  return (old.type === 'directory') !== (now.type === 'directory');
}

function isSameContent(old: Entry, now: SourceEntry, { digest }: Reference): boolean {
  if (old.type !== now.type) return false;
  if (old.type === 'file')
    return old.size === now.size && (old.size === 0 || digest(old.path) === now.sha256);
  if (old.type === 'symlink') return old.target === now.target;
  return old.device?.major === now.device?.major && old.device?.minor === now.device?.minor;
}

function createWanted(
  old: Entry | undefined,
  now: SourceEntry,
  source: SourceTree,
  reference: Reference,
): WantedName {
  const top = now.path === '' ? (reference.top ?? 0o777) : 0o777;
  const show = (entry: Entry) => source.shows(entry) & (top | 0o7000);
  const same = old !== undefined && isSameContent(old, now, reference);
  // The mode of a symlink means nothing, and Linux cannot change it.
  const keepsMode = old?.type === now.type && (now.type === 'symlink' || show(old) === now.mode);
  const { path, type, size, target, device, link } = now;
  const mode = keepsMode && old !== undefined ? old.mode : now.mode;
  const uid = now.owner?.uid ?? old?.uid ?? 0;
  const gid = now.owner?.gid ?? old?.gid ?? 0;
  const entry: Entry = {
    path,
    type,
    mode,
    uid,
    gid,
    mtime: same ? old.mtime : now.mtime,
    size,
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    body: () => now.body(),
  };
  const changed = !same || old.mode !== mode || old.uid !== uid || old.gid !== gid;
  return { entry, changed, link: type === 'directory' ? undefined : link };
}

/**
 * The entries that must be put. Names of one file in the image stay linked while nothing about them changed, even where
 * a copy of the folder made several files of them; names of one file in the folder or tar are linked too. A group with a
 * new or changed name is put as a whole.
 */
function groupNames(wanted: ReadonlyMap<string, WantedName>, reference: Reference): WantedName[] {
  const oldLink = (name: WantedName) =>
    name.changed ? undefined : reference.entries.get(name.entry.path)?.link;
  const joined = new Map<string, string>();
  for (const name of wanted.values()) {
    const old = oldLink(name);
    if (name.link !== undefined && old !== undefined) joined.set(name.link, old);
  }
  const groups = new Map<string | WantedName, WantedName[]>();
  for (const name of wanted.values()) {
    const own = name.link === undefined ? name : (joined.get(name.link) ?? `source ${name.link}`);
    const key = oldLink(name) ?? own;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  return [...groups].flatMap(([key, names]) => {
    const isOld = (name: WantedName) => !name.changed && (names.length === 1 || oldLink(name) !== undefined);
    if (names.every(isOld)) return [];
    const link = names.length > 1 && typeof key === 'string' ? key : undefined;
    return names.map((name) => (link === undefined ? name : { ...name, entry: { ...name.entry, link } }));
  });
}
