import { encodePath } from '../format/path.js';
import type { Inode } from './inode.js';
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
}

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;
const longestComponent = 255;

/** `names`: canonical path -> inode, parents before their children; `''` is the root. */
export function createKernelFiles(names: Map<string, Inode>): KernelFiles {
  let followed = 0;

  /** The directory and the last component of a path; undefined when something on the way is missing. */
  function walk(base: string, path: string): { directory: string; name: string } | undefined {
    const components = path.split('/').filter((component) => component !== '');
    const name = components.pop() ?? '';
    let directory: string | undefined = path.startsWith('/') ? '' : base;
    for (const component of components) {
      directory = enter(directory, component, true);
      if (directory === undefined || names.get(directory)?.type !== 'directory') return undefined;
    }
    return { directory, name };
  }

  /** Goes one component further; a symlink with an empty target leads to its own directory. */
  function enter(directory: string, component: string, follow: boolean): string | undefined {
    if (component === '' || component === '.') return directory;
    if (component === '..') return parentPath(directory);
    const path = joinPath(directory, component);
    const node = names.get(path);
    if (node?.type !== 'symlink' || !follow) return node === undefined ? undefined : path;
    followed += 1;
    return followed > mostSymlinks ? undefined : look(directory, node.target ?? '', true);
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
    names.set(path, node);
    node.names += 1;
    countChild(path, 1);
    return true;
  }

  function remove(path: string): void {
    const node = names.get(path);
    if (node === undefined) return;
    names.delete(path);
    node.names -= 1;
    countChild(path, -1);
  }

  function countChild(path: string, by: number): void {
    const parent = names.get(parentPath(path));
    if (parent !== undefined) parent.children += by;
  }

  return { find, locate, locateFile, add, remove };
}

/** The record's own string, where that is the canonical path: an image has hundreds of thousands of them. */
function share<Path extends string | undefined>(name: string, path: Path): Path | string {
  return path === name ? name : path;
}

/** Whether a component has more than 255 bytes. */
export function isTooLong(component: string): boolean {
  return component.length * 3 > longestComponent && encodePath(component).length > longestComponent;
}
