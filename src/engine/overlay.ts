import { createHash } from 'node:crypto';
import { encodePath } from '../format/path.js';
import { holdBytes } from '../io/file/spool.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import type { Content, Put } from '../model/patch/workspace.js';
import { createPathIndex, type PathIndex } from '../tree/path-index.js';
import { coverPaths, parentPath, resolvePath } from '../tree/resolve.js';

/** The entries of an image with puts and removals over them. Paths are canonical, except in `locate` and `follow`. */
export interface Overlay {
  get(path: string): Entry | undefined;
  list(directory: string): string[];
  /** The canonical path of an entry: symlinks in its parents are followed, one at its end is not. Error: `path-loop`. */
  locate(path: string): string;
  /** The canonical path at the end of all symlinks. Error: `path-loop`. */
  follow(path: string): string;
  /** Creates missing parents. Errors: `path-invalid`, `path-is-directory`, `path-not-directory`, `path-too-long`. */
  put(file: Put): void;
  /** Removes a subtree; whether there was one. */
  remove(path: string): boolean;
  /** Forgets what was done to a subtree. */
  restore(path: string): void;
  changes(): Change[];
  /** What was put, removed or restored since the last call, by path. */
  takeNews(): Change[];
  /** Replaces all changes; nothing of it is news. */
  replaceAll(changes: Iterable<Change>): void;
}

export interface OverlayOptions {
  readonly base: ReadonlyMap<string, Entry>;
  /** Seconds since 1970: the time of all that is put. */
  readonly stamp: number;
  /** Of the paths of the base, where it is known. */
  readonly index?: PathIndex | undefined;
  /** What to begin with; it is news. */
  readonly changes?: readonly Change[] | undefined;
}

export function createOverlay({ base, stamp, index: known, changes: first = [] }: OverlayOptions): Overlay {
  /** `undefined` stands for a removed path of the base. */
  const changed = new Map<string, Entry | undefined>();
  const news = new Set<string>(first.map(pathOf));

  const get = (path: string) => (changed.has(path) ? changed.get(path) : base.get(path));
  let index: PathIndex | undefined;

  /** Made when the first subtree is looked for. It may have paths that are no longer there. */
  function findIndex(): PathIndex {
    index ??= createPathIndex([...(known === undefined ? base.keys() : []), ...changed.keys()], known);
    return index;
  }

  function set(entry: Entry): void {
    if (entry.type !== 'directory' && get(entry.path)?.type === 'directory') unset(entry.path);
    changed.set(entry.path, entry);
    index?.add(entry.path);
  }

  function unset(path: string): void {
    for (const known of findIndex().below(path)) {
      changed.delete(known);
      if (base.has(known)) changed.set(known, undefined);
    }
  }

  function replaceAll(changes: Iterable<Change>): void {
    changed.clear();
    for (const change of changes) {
      if (change.op === 'put') set(change.entry);
      else unset(change.path);
    }
  }

  function createParents(path: string): void {
    const missing: string[] = [];
    let at = parentPath(path);
    for (; at !== '' && get(at) === undefined; at = parentPath(at)) missing.push(at);
    const there = at === '' ? undefined : get(at);
    if (there !== undefined && there.type !== 'directory')
      throw new MobyPatchError(
        'invalid',
        'path-not-directory',
        `found a ${there.type} at ${at}, wanted a directory`,
        { path },
      );
    for (const ancestor of missing.reverse()) {
      set(createEntry({ path: ancestor, type: 'directory' }, stamp));
      news.add(ancestor);
    }
  }

  replaceAll(first);
  return {
    get,
    list(directory) {
      const start = directory === '' ? 0 : directory.length + 1;
      const there = [...findIndex().list(directory)].filter((path) => get(path) !== undefined);
      return there.map((path) => path.slice(start)).sort();
    },
    locate: (path) => resolvePath(get, path) ?? refuseLoop(path),
    follow: (path) => resolvePath(get, path, true) ?? refuseLoop(path),
    put(file) {
      const { path, type } = file;
      const old = get(path);
      assertShort(file);
      assertReplaceable(file, old);
      createParents(path);
      set(createEntry(file, stamp, old?.type === type ? old : undefined));
      news.add(path);
    },
    remove(path) {
      if (path === '' || get(path) === undefined) return false;
      unset(path);
      news.add(path);
      return true;
    },
    restore(path) {
      for (const known of findIndex().below(path)) if (changed.delete(known)) news.add(known);
    },
    changes() {
      const removed = [...changed].filter(([, entry]) => entry === undefined).map(([path]) => path);
      const isRemoved = coverPaths(removed);
      const tops = removed.filter((path) => !isRemoved(parentPath(path)));
      return [
        ...tops.map((path): Change => ({ op: 'remove', path })),
        ...[...changed.values()]
          .filter((entry) => entry !== undefined)
          .map((entry): Change => ({ op: 'put', entry })),
      ];
    },
    takeNews() {
      const paths = [...news].sort();
      news.clear();
      return paths.map((path): Change => {
        const entry = get(path);
        return entry === undefined ? { op: 'remove', path } : { op: 'put', entry };
      });
    },
    replaceAll,
  };
}

export function pathOf(change: Change): string {
  return change.op === 'put' ? change.entry.path : change.path;
}

function refuseLoop(path: string): never {
  throw new MobyPatchError('invalid', 'path-loop', 'too many symbolic links lead to this path', { path });
}

/** A kernel would skip the entry. */
function assertShort({ path, target = '' }: Put): void {
  const isLong = path.split('/').some((name) => encodePath(name).length > 255);
  const found = isLong
    ? 'a name of more than 255 bytes'
    : [path, target].some((text) => encodePath(text).length > 4095)
      ? 'a path or a target of more than 4095 bytes'
      : undefined;
  if (found === undefined) return;
  throw new MobyPatchError('invalid', 'path-too-long', `found ${found}, wanted one that a kernel reads`, {
    path: path.length > 300 ? `${path.slice(0, 300)}...` : path,
  });
}

function assertReplaceable({ path, type }: Put, old: Entry | undefined): void {
  if (type === 'directory') return;
  if (path === '') {
    throw new MobyPatchError('invalid', 'path-invalid', 'the root itself can only be a directory', {
      path: '/',
    });
  }
  if (old?.type !== 'directory') return;
  throw new MobyPatchError(
    'invalid',
    'path-is-directory',
    `found a directory, wanted to put a ${type} there`,
    {
      path,
      hint: 'remove the directory in a step before',
    },
  );
}

function hold(content: Put['content'] = new Uint8Array()): Content {
  if (!(content instanceof Uint8Array)) return content;
  return { ...holdBytes(content), sha256: createHash('sha256').update(content).digest('hex') };
}

const usualModes = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

/**
 * The entry that a step puts; `old` is the one of the same type at its path. A directory that is put again keeps its
 * time, and a file without content keeps its body.
 */
function createEntry(file: Put, stamp: number, old?: Entry): Entry {
  const { path, type } = file;
  const isOldBody = file.content === undefined && old !== undefined;
  const body = isOldBody ? old : hold(file.content);
  const { sha256 } = body;
  return {
    path,
    type,
    // A kernel gives each symlink the mode 0777, whatever an archive says.
    mode: type === 'symlink' ? usualModes.symlink : (file.mode ?? usualModes[type]),
    uid: file.uid ?? 0,
    gid: file.gid ?? 0,
    mtime: type === 'directory' && old !== undefined ? old.mtime : stamp,
    size: type === 'file' ? body.size : type === 'symlink' ? Buffer.byteLength(file.target ?? '') : 0,
    ...(type === 'symlink' && { target: file.target ?? '' }),
    ...(type === 'file' && sha256 !== undefined && { sha256 }),
    body: () => body.body(),
  };
}
