import { closeSync, constants, mkdirSync, openSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs';
import { createFolderFault, type Folder, parentOf } from '../../folder/folder.js';
import { decodePath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import { mountedTrees } from '../rights.js';
import { keepMtime, statEntry } from './stat-entry.js';

const symlinkLimit = 40;

/**
 * Creates what is missing of a path, to mount something there; the answer lists what it created, the topmost first.
 * Parents keep their mtimes. Nothing on the way may be a symlink.
 */
export function createMissing(folder: Folder, path: string, type: 'file' | 'directory'): string[] {
  const parts = path.split('/');
  const wanted = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const created = wanted.filter((part) => statEntry(folder, part) === undefined);
  for (const part of created) makeMountPoint(folder, part, part === path ? type : 'directory');
  return created;
}

/** Removes mount points again, except a directory in which a command has created something. */
export function removeCreated(folder: Folder, created: readonly string[]): void {
  for (const path of [...created].reverse()) {
    const at = folder.locate(path);
    const stat = statEntry(folder, path);
    if (stat === undefined) continue;
    keepMtime(folder, path, () => {
      try {
        if (stat.isDirectory()) rmdirSync(at);
        else unlinkSync(at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY')
          throw createFolderFault(error, 'removing', path);
      }
    });
  }
}

/** Creates the directories for /dev, /proc and /sys; the answer lists those that were missing. */
export function createMountedTrees(folder: Folder): string[] {
  return mountedTrees.flatMap((path) => {
    const stat = statEntry(folder, path);
    if (stat !== undefined && !stat.isDirectory()) throw createNoDirectoryError(path);
    return createMissing(folder, path, 'directory');
  });
}

/**
 * Follows the symlinks of a path inside the folder. The answer has none up to its first missing part. Undefined when
 * they loop, or when `..` leaves a missing part.
 */
export function resolveInside(folder: Folder, path: string): string | undefined {
  const waiting = path.split('/').reverse();
  let current = '';
  let followed = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (current !== '' && statEntry(folder, current) === undefined) return undefined;
      current = parentOf(current);
      continue;
    }
    const next = current === '' ? part : `${current}/${part}`;
    if (statEntry(folder, next)?.isSymbolicLink() !== true) {
      current = next;
      continue;
    }
    followed += 1;
    if (followed > symlinkLimit) return undefined;
    const target = decodePath(readlinkSync(folder.locate(next), { encoding: 'buffer' }));
    if (target.startsWith('/')) current = '';
    waiting.push(...target.split('/').reverse());
  }
  return current;
}

function makeMountPoint(folder: Folder, path: string, type: 'file' | 'directory'): void {
  const at = folder.locate(path);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  keepMtime(folder, path, () => {
    try {
      if (type === 'directory') mkdirSync(at, 0o755);
      else closeSync(openSync(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644));
    } catch (error) {
      throw createFolderFault(error, 'making the mount point', path);
    }
  });
}

function createNoDirectoryError(path: string): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'mount-point',
    `/${path} of the image is no directory, so the kernel's file system cannot be mounted there`,
    { path, hint: 'moby-patch build --engine docker' },
  );
}
