import type { Entry } from '../model/image/entry.js';

/** The entry at a canonical path; undefined for the root `''` is allowed. */
export type Lookup = (path: string) => Pick<Entry, 'type' | 'target'> | undefined;

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;

/** The components of a path without `.` and empty ones; `..` stays. */
export function splitPath(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

/** Not a regular expression, which would try each of many slashes that end nothing. */
export function trimSlashes(text: string): string {
  let [start, end] = [0, text.length];
  while (text[start] === '/') start += 1;
  while (end > start && text[end - 1] === '/') end -= 1;
  return text.slice(start, end);
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Whether a path is one of these or below one of them. What was found of a directory is kept for all in it. */
export function coverPaths(paths: Iterable<string>): (path: string) => boolean {
  const tops = new Set(paths);
  const known = new Map<string, boolean>();
  return (path) => {
    const passed: string[] = [];
    let at = path;
    while (at !== '' && !tops.has(at) && !known.has(at)) {
      at = parentPath(at);
      passed.push(at);
    }
    const isCovered = tops.has(at) || (known.get(at) ?? false);
    for (const directory of passed) known.set(directory, isCovered);
    return isCovered;
  };
}

/**
 * The canonical path that a path leads to inside a root. Symlinks in its parents are followed, never out of the
 * root; one in the last place only with `followLast`. It need not exist. Undefined: too many symlinks.
 */
export function resolvePath(lookup: Lookup, path: string, followLast = false): string | undefined {
  const pending = splitPath(path).reverse();
  let current = '';
  let followed = 0;
  while (pending.length > 0) {
    if (pending.at(-1) === '..') {
      pending.pop();
      current = parentPath(current);
      continue;
    }
    const names = pending.slice(pending.lastIndexOf('..') + 1).reverse();
    const count = countThere(lookup, current, names);
    const there = joinNames(current, names.slice(0, count));
    const target = count === 0 ? undefined : lookup(there);
    const isLast = count === pending.length && !followLast;
    if (target?.type !== 'symlink' || isLast) {
      // Nothing below what is not there, or is no directory, is a symlink.
      current = joinNames(current, names);
      pending.length -= names.length;
      continue;
    }
    followed += 1;
    if (followed > mostSymlinks) return undefined;
    current = target.target?.startsWith('/') ? '' : parentPath(there);
    pending.length -= count;
    for (const name of splitPath(target.target ?? '').reverse()) pending.push(name);
  }
  return current;
}

/** The entry at the end of all symlinks. */
export function followEntry<Found extends Pick<Entry, 'type' | 'target'>>(
  entries: ReadonlyMap<string, Found>,
  path: string,
): Found | undefined {
  const end = resolvePath((at) => entries.get(at), path, true);
  return end === undefined ? undefined : entries.get(end);
}

function joinNames(directory: string, names: readonly string[]): string {
  return names.length === 0 ? directory : joinPath(directory, names.join('/'));
}

/**
 * How many of these names, one inside the other, are there as they are written. What is there has all its parents, so a
 * path of any depth takes a few looks.
 */
function countThere(lookup: Lookup, directory: string, names: readonly string[]): number {
  const isThere = (count: number) => lookup(joinNames(directory, names.slice(0, count))) !== undefined;
  if (isThere(names.length)) return names.length;
  let [least, most] = [0, names.length - 1];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (isThere(middle)) least = middle;
    else most = middle - 1;
  }
  return least;
}
