import { lstatSync, type Stats, utimesSync } from 'node:fs';
import { type Folder, parentOf } from '../../folder/folder.js';

/** `lstat`; undefined when there is nothing. */
export function statEntry(folder: Folder, path: string): Stats | undefined {
  try {
    return lstatSync(folder.locate(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether each parent is a directory itself: a symlink there would lead out of the folder. */
export function hasRealParents(folder: Folder, path: string): boolean {
  for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) {
    if (statEntry(folder, parent)?.isDirectory() !== true) return false;
  }
  return true;
}

/** Creates or removes a name and leaves the mtime of its parent. */
export function keepMtime(folder: Folder, path: string, change: () => void): void {
  const parent = statEntry(folder, parentOf(path));
  change();
  if (parent !== undefined) utimesSync(folder.locate(parentOf(path)), parent.atime, parent.mtime);
}
