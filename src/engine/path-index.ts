import { parentPath } from '../tree/resolve.js';

/** Which paths are in which directory: a subtree is found without a look at all other paths. */
export interface PathIndex {
  add(path: string): void;
  /** Directly inside a directory. */
  list(directory: string): Iterable<string>;
  /** The path, and all below it that was added. */
  below(path: string): string[];
}

export function createPathIndex(paths: Iterable<string>): PathIndex {
  const children = new Map<string, Set<string>>();
  const list = (directory: string): Iterable<string> => children.get(directory) ?? [];

  function add(path: string): void {
    if (path === '') return;
    const parent = parentPath(path);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, new Set([path]));
    else siblings.add(path);
  }

  for (const path of paths) add(path);
  return {
    add,
    list,
    below(path) {
      const found = [path];
      // The list grows while it is gone through.
      for (const directory of found) for (const child of list(directory)) found.push(child);
      return found;
    },
  };
}
