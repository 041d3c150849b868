import type { Change } from '../model/change.js';
import type { Entry } from '../model/entry.js';
import { isBelow } from '../tree/resolve.js';

/** Puts and removals over the entries of an image; paths are canonical. */
export interface Overlay {
  get(path: string): Entry | undefined;
  list(directory: string): string[];
  put(entry: Entry): void;
  /** Removes a subtree. */
  remove(path: string): void;
  /** Forgets what was done to a subtree; the paths that change by it. */
  restore(path: string): string[];
  changes(): Change[];
  replaceAll(changes: Iterable<Change>): void;
}

export function createOverlay(base: ReadonlyMap<string, Entry>): Overlay {
  /** `undefined` stands for a removed path of the base. */
  const changed = new Map<string, Entry | undefined>();

  const get = (path: string) => (changed.has(path) ? changed.get(path) : base.get(path));

  function put(entry: Entry): void {
    if (entry.type !== 'directory' && get(entry.path)?.type === 'directory') remove(entry.path);
    changed.set(entry.path, entry);
  }

  function remove(path: string): void {
    for (const known of [...changed.keys()])
      if (known === path || isBelow(known, path)) changed.delete(known);
    for (const known of base.keys())
      if (known === path || isBelow(known, path)) changed.set(known, undefined);
  }

  return {
    get,
    put,
    remove,
    list(directory) {
      const names = new Set<string>();
      const start = directory === '' ? 0 : directory.length + 1;
      for (const path of [...base.keys(), ...changed.keys()]) {
        if (isBelow(path, directory) && !path.includes('/', start) && get(path) !== undefined)
          names.add(path.slice(start));
      }
      return [...names].sort();
    },
    restore(path) {
      const touched = [...changed.keys()].filter((known) => known === path || isBelow(known, path));
      for (const known of touched) changed.delete(known);
      return touched;
    },
    changes() {
      const removed = [...changed].filter(([, entry]) => entry === undefined).map(([path]) => path);
      const tops = removed.filter((path) => !removed.some((other) => isBelow(path, other)));
      return [
        ...tops.map((path): Change => ({ op: 'remove', path })),
        ...[...changed.values()]
          .filter((entry) => entry !== undefined)
          .map((entry): Change => ({ op: 'put', entry })),
      ];
    },
    replaceAll(changes) {
      changed.clear();
      for (const change of changes) {
        if (change.op === 'put') put(change.entry);
        else remove(change.path);
      }
    },
  };
}
