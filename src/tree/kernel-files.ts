import { encodePath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Inode } from './inode.js';
import type { Names } from './names.js';
import { joinPath, parentPath } from './resolve.js';

/** The place of a path's last component, which need not exist. */
export interface Place {
  /** Canonical. */
  readonly path: string;
  /** Whether the name ends in slashes: only a directory can be created under such a name. */
  readonly hasSlash: boolean;
}

/**
 * The kernel's file system while it unpacks, with the errors of fs/namei.c: every component on the way must
 * exist, even one that `..` leaves again; a slash at the end follows a symlink.
 */
export interface KernelFiles {
  /** The canonical path of the file that a path leads to, `''` for the root; undefined when there is none. */
  find(path: string, follow?: boolean): string | undefined;
  /** For creating and removing; undefined without a parent, and for a last component `.` or `..`. */
  locate(path: string): Place | undefined;
  /** The file that an open for writing creates or changes, symlinks followed. */
  locateFile(path: string): string | undefined;
  /** Adds a name; false when it exists or is too long. */
  add(path: string, node: Inode): boolean;
  remove(path: string): void;
  /** Steps from a directory to the next so far: what the work costs. */
  steps(): number;
}

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;
const longestComponent = 255;

/** Characters of paths that are looked up one directory at a time before the directories get indexes. */
const mostPlain = 2 ** 22;
/** Steps from a directory to the next, in all: one record of a hostile image takes 80,000. */
const mostSteps = 2 ** 28;
/** Characters by which paths are longer than a name can be: symlinks lead to any depth. */
const mostExtra = 2 ** 27;
const longestName = 4096;

/** A directory, once there are indexes. */
interface Folder {
  readonly path: string;
  readonly parent: Folder | undefined;
  /** Name -> path. The paths are those of `names`, whose hashes are known: no step costs the length of a path. */
  readonly children: Map<string, string>;
}

/**
 * `names`: canonical path -> inode, parents before their children; `''` is the root. Error (`invalid`):
 * `image-too-large` for paths whose directories take too long to go through.
 */
export function createKernelFiles(names: Names): KernelFiles {
  let followed = 0;
  let plain = 0;
  let steps = 0;
  let extra = 0;
  let folders: Map<string, Folder> | undefined;

  /** The directory and the last component of a path; undefined when something on the way is missing. */
  function walk(base: string, path: string): { directory: string; name: string } | undefined {
    const end = findEnd(path);
    const name = path.slice(path.lastIndexOf('/', end - 1) + 1, end);
    const start = findStart(path);
    const from = path.startsWith('/') ? '' : base;
    const parents = path.slice(start, findEnd(path, end - name.length));
    if (start >= end - name.length) return { directory: from, name };
    // Most names are canonical: what has a path has all its parents.
    const whole = joinPath(from, parents);
    if (names.get(whole)?.type === 'directory') return { directory: whole, name };
    let directory: string | undefined = from;
    for (const component of parents.split('/')) {
      directory = enter(directory, component, true);
      if (directory === undefined || names.get(directory)?.type !== 'directory') return undefined;
    }
    return { directory, name };
  }

  /** Goes one component further; a symlink with an empty target leads to its own directory. */
  function enter(directory: string, component: string, follow: boolean): string | undefined {
    countStep();
    if (component === '' || component === '.') return directory;
    if (component === '..') return findParent(directory);
    const path = findChild(directory, component);
    const node = path === undefined ? undefined : names.get(path);
    if (node?.type !== 'symlink' || !follow) return path;
    followed += 1;
    return followed > mostSymlinks ? undefined : look(directory, node.target ?? '', true);
  }

  function findChild(directory: string, component: string): string | undefined {
    if (folders !== undefined) return folders.get(directory)?.children.get(component);
    const path = joinPath(directory, component);
    plain += path.length;
    if (plain > mostPlain) folders = indexFolders(names);
    return names.has(path) ? path : undefined;
  }

  function findParent(directory: string): string {
    if (folders === undefined) return parentPath(directory);
    return folders.get(directory)?.parent?.path ?? '';
  }

  function countStep(): void {
    steps += 1;
    if (steps > mostSteps) throw createDepthError();
  }

  function look(base: string, path: string, follow: boolean): string | undefined {
    const last = walk(base, path);
    if (last === undefined) return undefined;
    const hasSlash = path.endsWith('/');
    const found = enter(last.directory, last.name, follow || hasSlash);
    return hasSlash && found !== undefined && names.get(found)?.type !== 'directory' ? undefined : found;
  }

  function find(path: string, follow = false): string | undefined {
    followed = 0;
    return share(path, look('', path, follow));
  }

  function locateFrom(base: string, path: string): Place | undefined {
    const last = walk(base, path);
    if (last === undefined || ['', '.', '..'].includes(last.name)) return undefined;
    return { path: share(path, joinPath(last.directory, last.name)), hasSlash: path.endsWith('/') };
  }

  function locate(path: string): Place | undefined {
    followed = 0;
    return locateFrom('', path);
  }

  function locateFile(path: string): string | undefined {
    let place = locate(path);
    for (let links = 0; place !== undefined && !place.hasSlash && links <= mostSymlinks; links += 1) {
      const node = names.get(place.path);
      if (node === undefined || node.type === 'file') return place.path;
      if (node.type !== 'symlink') return undefined;
      place = locateFrom(parentPath(place.path), node.target ?? '');
    }
    return undefined;
  }

  function add(path: string, node: Inode): boolean {
    if (names.has(path) || isTooLong(path.slice(path.lastIndexOf('/') + 1))) return false;
    extra += Math.max(0, path.length - longestName);
    if (extra > mostExtra) throw createDepthError();
    names.set(path, node);
    if (folders !== undefined) addToIndex(folders, path, node);
    node.names += 1;
    countChild(path, 1);
    return true;
  }

  function remove(path: string): void {
    const node = names.get(path);
    if (node === undefined) return;
    names.delete(path);
    folders?.delete(path);
    folders?.get(parentPath(path))?.children.delete(path.slice(path.lastIndexOf('/') + 1));
    node.names -= 1;
    countChild(path, -1);
  }

  function countChild(path: string, by: number): void {
    const parent = names.get(parentPath(path));
    if (parent !== undefined) parent.children += by;
  }

  return { find, locate, locateFile, add, remove, steps: () => steps };
}

function indexFolders(names: Names): Map<string, Folder> {
  const folders = new Map<string, Folder>();
  for (const [path, node] of names) addToIndex(folders, path, node);
  return folders;
}

function addToIndex(folders: Map<string, Folder>, path: string, node: Inode): void {
  const parent = path === '' ? undefined : folders.get(parentPath(path));
  parent?.children.set(path.slice(path.lastIndexOf('/') + 1), path);
  if (node.type === 'directory') folders.set(path, { path, parent, children: new Map() });
}

function createDepthError(): MobyPatchError {
  const message = 'the names in the image lead through more directories and symlinks than any image has';
  return new MobyPatchError('invalid', 'image-too-large', message, { hint: 'get a new copy of the image' });
}

/** Where a path ends without the slashes at its end; `from`: the end of the part that is looked at. */
function findEnd(path: string, from = path.length): number {
  let end = from;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return end;
}

/** Where a path begins without the slashes and `./` at its start. */
function findStart(path: string): number {
  let start = 0;
  for (;;) {
    if (path[start] === '/') start += 1;
    else if (path[start] === '.' && path[start + 1] === '/') start += 2;
    else return start;
  }
}

/** The record's own string, where that is the canonical path: an image has hundreds of thousands of them. */
function share<Path extends string | undefined>(name: string, path: Path): Path | string {
  return path === name ? name : path;
}

/** Whether a component has more than 255 bytes. */
export function isTooLong(component: string): boolean {
  return component.length * 3 > longestComponent && encodePath(component).length > longestComponent;
}
