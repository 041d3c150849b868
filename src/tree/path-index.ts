import { parentPath } from './resolve.js';

/** Which paths are in which directory: a subtree is found without a look at all other paths. */
export interface PathIndex {
  /** With the directories above it. */
  add(path: string): void;
  /** Directly inside a directory. */
  list(directory: string): Iterable<string>;
  /** The path, and all below it that was added. */
  below(path: string): string[];
  /** The same without the path, which are forgotten. */
  takeBelow(path: string): string[];
}

/** `shared`: an index that others use too. It does not change: what is added is kept beside it, and what is taken is still listed. */
export function createPathIndex(paths: Iterable<string>, shared?: Pick<PathIndex, 'list'>): PathIndex {
  const children = new Map<string, Set<string>>();
  const own = (directory: string): Iterable<string> => children.get(directory) ?? [];
  const list = (directory: string): Iterable<string> =>
    shared === undefined ? own(directory) : new Set([...shared.list(directory), ...own(directory)]);

  function add(path: string): void {
    for (let at = path; at !== ''; at = parentPath(at)) {
      const siblings = children.get(parentPath(at)) ?? new Set();
      if (siblings.has(at)) return;
      children.set(parentPath(at), siblings.add(at));
    }
  }

  function below(path: string): string[] {
    const found = [path];
    // The list grows while it is gone through.
    for (const directory of found) for (const child of list(directory)) found.push(child);
    return found;
  }

  for (const path of paths) add(path);
  return {
    add,
    list,
    below,
    takeBelow(path) {
      const found = below(path);
      for (const directory of found) children.delete(directory);
      return found.slice(1);
    },
  };
}
