import type { Entry } from '../model/entry.js';

/** The entry at a canonical path; undefined for the root `''` is allowed. */
export type Lookup = (path: string) => Pick<Entry, 'type' | 'target'> | undefined;

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;

/** The components of a path without `.` and empty ones; `..` stays. */
export function splitPath(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Every directory above a path, the nearest last; the root is not among them. */
export function ancestorPaths(path: string): string[] {
  const components = path.split('/').slice(0, -1);
  return components.map((_, index) => components.slice(0, index + 1).join('/'));
}

export function isBelow(path: string, directory: string): boolean {
  return directory === '' ? path !== '' : path.startsWith(`${directory}/`);
}

/** Whether a path is one of these or below one of them. */
export function coverPaths(paths: Iterable<string>): (path: string) => boolean {
  const tops = new Set(paths);
  return (path) => {
    let at = path;
    while (!tops.has(at) && at !== '') at = parentPath(at);
    return tops.has(at);
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
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '..') {
      current = parentPath(current);
      continue;
    }
    const next = joinPath(current, name);
    const node = lookup(next);
    if (node?.type !== 'symlink' || (pending.length === 0 && !followLast)) {
      current = next;
      continue;
    }
    followed += 1;
    if (followed > mostSymlinks) return undefined;
    const target = node.target ?? '';
    if (target.startsWith('/')) current = '';
    pending.push(...splitPath(target).reverse());
  }
  return current;
}
