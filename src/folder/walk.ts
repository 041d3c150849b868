import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodePath } from '../format/path.js';
import { createInterruptedError } from '../io/process.js';
import { createFolderFault, type Folder } from './folder.js';

export interface Found {
  readonly path: string;
  readonly stat: BigIntStats;
  readonly signature: string;
}

/**
 * Everything in a folder, parents before what is in them; paths in `skip` and all below are left out.
 * No symlink is followed. A folder is listed in one go, and other work gets its turn between two of them.
 */
export async function walkFolder(
  folder: Folder,
  skip: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, Found>> {
  const root = look(folder, '');
  const found = new Map([['', root]]);
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (signal.aborted) throw createInterruptedError(signal);
    for (const path of listPaths(folder, next.path)) {
      if (skip.has(path)) continue;
      const entry = look(folder, path);
      found.set(path, entry);
      if (entry.stat.isDirectory()) waiting.push(entry);
    }
    await nextTurn();
  }
  return found;
}

/** An entry as it stands now. */
export function look(folder: Folder, path: string): Found {
  try {
    const stat = lstatSync(folder.locate(path), { bigint: true });
    return { path, stat, signature: signStat(stat) };
  } catch (error) {
    throw createFolderFault(error, 'reading', path);
  }
}

/**
 * A text that is another one when the entry is another one. The ctime tells of every write, chmod and
 * link, and no command can set it. A directory's moves with each name inside, so its mtime stands there,
 * in seconds as images have it. A clock tick (up to 10 ms before Linux 6.13) is shorter than the way from
 * a snapshot to the first command, and what we replace ourselves gets another inode.
 */
function signStat(stat: BigIntStats): string {
  const owner = `${stat.mode}:${stat.uid}:${stat.gid}`;
  if (stat.isDirectory()) return `directory:${owner}:${stat.mtimeNs / 1_000_000_000n}`;
  return `other:${owner}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.rdev}`;
}

function listPaths(folder: Folder, directory: string): string[] {
  try {
    const names = readdirSync(folder.locate(directory), { encoding: 'buffer' });
    return names
      .map((name) => (directory === '' ? decodePath(name) : `${directory}/${decodePath(name)}`))
      .sort();
  } catch (error) {
    throw createFolderFault(error, 'listing', directory);
  }
}
