import { encodePath } from '../format/path.js';
import { joinPath, type Lookup, parentPath } from './resolve.js';

/** As many as the kernel follows before it says ELOOP (include/linux/namei.h, MAXSYMLINKS). */
const mostSymlinks = 40;
const longestPath = 4095;
const longestComponent = 255;

/**
 * The canonical path of what a name leads to, by the rules of the kernel's path walk (fs/namei.c): every
 * part but the last must be a directory, also before `.` and `..`; a slash at the end asks for a directory
 * and follows a symlink. Undefined when there is nothing. `lookup` must know the root `''`.
 */
export function walkPath(lookup: Lookup, name: string, follow: boolean, from = ''): string | undefined {
  if (isLongerThan(longestPath, name)) return undefined;
  const pending = splitComponents(name).reverse();
  let current = name.startsWith('/') ? '' : from;
  let wantsDirectory = name.endsWith('/');
  let followed = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (lookup(current)?.type !== 'directory') return undefined;
    if (part === '.') continue;
    if (part === '..') {
      current = parentPath(current);
      continue;
    }
    const next = joinPath(current, part);
    const found = lookup(next);
    if (found === undefined) return undefined;
    const isLast = pending.length === 0;
    if (found.type !== 'symlink' || (isLast && !follow && !wantsDirectory)) {
      current = next;
      continue;
    }
    followed += 1;
    if (followed > mostSymlinks) return undefined;
    const target = found.target ?? '';
    if (target.startsWith('/')) current = '';
    if (isLast && target.endsWith('/')) wantsDirectory = true;
    pending.push(...splitComponents(target).reverse());
  }
  return wantsDirectory && lookup(current)?.type !== 'directory' ? undefined : current;
}

/** The canonical path that a new file of this name gets; undefined without a directory to be in. */
export function findPlace(lookup: Lookup, name: string, from = ''): string | undefined {
  const bare = name.replace(/\/+$/, '');
  const start = bare.lastIndexOf('/') + 1;
  const last = bare.slice(start);
  if (last === '' || last === '.' || last === '..') return undefined;
  if (isLongerThan(longestComponent, last) || isLongerThan(longestPath, name)) return undefined;
  const directory = walkPath(lookup, bare.slice(0, start), true, from);
  if (directory === undefined || lookup(directory)?.type !== 'directory') return undefined;
  const place = joinPath(directory, last);
  // Most names are canonical: one string is kept instead of two.
  return place === name ? name : place;
}

/** Why there is no place for a name, or no right one for this type. */
export function explainNoPlace(name: string, type: string): string {
  const components = splitComponents(name);
  if (name === '') return 'its name is empty';
  if (isLongerThan(longestPath, name)) return 'a name of more than 4095 bytes';
  if (type !== 'directory' && name.endsWith('/')) return `a ${type} cannot have a name that ends in a slash`;
  if (components.some((part) => isLongerThan(longestComponent, part)))
    return 'a component of more than 255 bytes';
  const last = components.at(-1) ?? '..';
  return last === '.' || last === '..'
    ? 'only a directory can have this name'
    : 'its parent directory is missing';
}

function splitComponents(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** Three bytes at most for each unit of a string. */
function isLongerThan(limit: number, text: string): boolean {
  return text.length * 3 > limit && encodePath(text).length > limit;
}
