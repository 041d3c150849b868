import { encodePath } from '../format/path.js';
import type { Device, EntryType } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import { joinPath, parentPath } from './resolve.js';

/** A file as the kernel has it in memory; several names may lead to one. */
export interface Inode {
  readonly id: number;
  readonly type: EntryType;
  readonly target?: string | undefined;
  readonly device?: Device | undefined;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  size: number;
  /** The record that described it last, and the one whose body it has. */
  record: ArchiveRecord;
  data: ArchiveRecord;
  names: number;
  /** Names inside a directory. */
  children: number;
}

/** Where a path's last component stands or would stand. */
export interface Place {
  /** Canonical. */
  readonly path: string;
  /** Whether slashes follow: only a directory can be made under such a name. */
  readonly slashed: boolean;
}

/**
 * The kernel's file system while it unpacks, with the errors of fs/namei.c: every component on the way must
 * be there, also one that `..` leaves again; a slash at the end follows a symlink.
 */
export interface KernelFiles {
  /** The canonical path of what a path leads to, `''` to the root; undefined when it leads nowhere. */
  find(path: string, follow?: boolean): string | undefined;
  /** For making and removing: the parent is there, and the last component is no `.` or `..`. */
  locate(path: string): Place | undefined;
  /** Where opening this path writes, symlinks followed; the file need not be there. */
  locateFile(path: string): string | undefined;
  /** Adds a name; false when there is one already or it is too long. */
  add(path: string, node: Inode): boolean;
  remove(path: string): void;
}

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;
const longestComponent = 255;

/** `names`: canonical path -> inode, parents before what is in them; `''` is the root. */
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

  /** One component; a symlink with an empty target stays where it is. */
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
    const slashed = path.endsWith('/');
    const found = enter(last.directory, last.name, follow || slashed);
    return slashed && found !== undefined && names.get(found)?.type !== 'directory' ? undefined : found;
  }

  function find(path: string, follow = false): string | undefined {
    followed = 0;
    return share(path, look('', path, follow));
  }

  function locateFrom(base: string, path: string): Place | undefined {
    const last = walk(base, path);
    if (last === undefined || ['', '.', '..'].includes(last.name)) return undefined;
    return { path: share(path, joinPath(last.directory, last.name)), slashed: path.endsWith('/') };
  }

  function locate(path: string): Place | undefined {
    followed = 0;
    return locateFrom('', path);
  }

  function locateFile(path: string): string | undefined {
    let place = locate(path);
    for (let links = 0; place !== undefined && !place.slashed && links <= mostSymlinks; links += 1) {
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

/** The name as a record has it, where it is canonical: an image has hundreds of thousands of them. */
function share<Path extends string | undefined>(name: string, path: Path): Path | string {
  return path === name ? name : path;
}

/** Whether a component has more than 255 bytes. */
export function isTooLong(component: string): boolean {
  return component.length * 3 > longestComponent && encodePath(component).length > longestComponent;
}
