import { linkSync, mkdirSync, readdirSync, renameSync, rmdirSync, type Stats, unlinkSync } from 'node:fs';
import { createFolderFault, type Folder } from '../../folder/folder.js';
import { finishDirectory, writeRegularFile, writeSymlink } from '../../folder/write-entry.js';
import { decodePath } from '../../format/path.js';
import { createInterruptedError } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Change } from '../../model/image/change.js';
import type { Entry } from '../../model/image/entry.js';
import { hasRealParents, keepMtime, statEntry } from './stat-entry.js';

/**
 * Applies changes to a folder in their order; a parent's mtime stays as it was. Device nodes, fifos and sockets are
 * never created, but what had their name goes. A new file is written beside the folder (`incoming`, on the same disk)
 * and renamed over the old one: a hard link's other names keep the old body, and the inode is another one.
 */
export async function applyChanges(
  changes: readonly Change[],
  folder: Folder,
  incoming: string,
  signal: AbortSignal,
): Promise<void> {
  const written = new Map<string, Buffer>();
  for (const change of changes) {
    if (signal.aborted) throw createInterruptedError(signal);
    const path = change.op === 'put' ? change.entry.path : change.path;
    try {
      if (change.op === 'remove') removePath(folder, path);
      else await putEntry(change.entry, folder, Buffer.from(incoming), written);
    } catch (error) {
      throw createFolderFault(error, change.op === 'put' ? 'writing' : 'removing', path);
    }
  }
}

function removePath(folder: Folder, path: string): void {
  if (path === '')
    throw new MobyPatchError('failed', 'unsafe-path', 'the root itself cannot be removed', { path });
  // A subtree may be removed name by name, from top to bottom: below what is no directory there is nothing.
  if (!hasRealParents(folder, path)) return;
  keepMtime(folder, path, () => removeTree(folder, path));
}

async function putEntry(
  entry: Entry,
  folder: Folder,
  incoming: Buffer,
  written: Map<string, Buffer>,
): Promise<void> {
  const { path } = entry;
  if (path !== '' && !hasRealParents(folder, path)) throw createParentError(path);
  const at = folder.locate(path);
  const old = statEntry(folder, path);
  if (entry.type === 'directory') {
    if (!isDirectory(old)) keepMtime(folder, path, () => replaceByDirectory(folder, path, old));
    finishDirectory(at, entry);
    return;
  }
  const linked = entry.link === undefined ? undefined : written.get(entry.link);
  if (linked !== undefined) linkSync(linked, incoming);
  else if (entry.type === 'file') await writeRegularFile(incoming, entry, entry.body());
  else if (entry.type === 'symlink') writeSymlink(incoming, entry);
  keepMtime(folder, path, () => {
    const stays = entry.type === 'file' || entry.type === 'symlink';
    if (isDirectory(old) || !stays) removeTree(folder, path);
    if (stays) renameSync(incoming, at);
  });
  if (entry.link !== undefined && entry.type === 'file') written.set(entry.link, at);
}

function replaceByDirectory(folder: Folder, path: string, old: Stats | undefined): void {
  if (old !== undefined) unlinkSync(folder.locate(path));
  mkdirSync(folder.locate(path), 0o700);
}

function removeTree(folder: Folder, path: string): void {
  const at = folder.locate(path);
  const old = statEntry(folder, path);
  if (old === undefined) return;
  if (!old.isDirectory()) {
    unlinkSync(at);
    return;
  }
  for (const name of readdirSync(at, { encoding: 'buffer' }))
    removeTree(folder, `${path}/${decodePath(name)}`);
  rmdirSync(at);
}

const isDirectory = (stat: Stats | undefined) => stat?.isDirectory() === true;

function createParentError(path: string): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'parent-missing',
    `a parent of ${path} is no directory, and nothing is written through anything else`,
    { path },
  );
}
