import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodePath } from '../format/path.js';
import { createInterruptedError } from '../io/process/process.js';
import { createTurns } from '../io/turns.js';
import { createFolderFault, type Folder } from './folder.js';

export interface WalkedEntry {
  readonly path: string;
  readonly stat: BigIntStats;
  readonly signature: string;
}

/**
 * Everything in a folder, parents before their children; without the paths in `skip` and all below them.
 * No symlink is followed. A folder is listed synchronously, and the event loop runs between two of them.
 */
export async function walkFolder(
  folder: Folder,
  skip: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, WalkedEntry>> {
  const root = look(folder, '');
  const found = new Map([['', root]]);
  const waiting = [root];
  const takeTurn = createTurns(signal);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (signal.aborted) throw createInterruptedError(signal);
    for (const path of listPaths(folder, next.path)) {
      if (skip.has(path)) continue;
      const entry = look(folder, path);
      found.set(path, entry);
      if (entry.stat.isDirectory()) waiting.push(entry);
      await takeTurn();
    }
    await nextTurn();
  }
  return found;
}

/** The state of one entry. */
export function look(folder: Folder, path: string): WalkedEntry {
  try {
    const stat = lstatSync(folder.locate(path), { bigint: true });
    return { path, stat, signature: signStat(stat) };
  } catch (error) {
    throw createFolderFault(error, 'reading', path);
  }
}

/**
 * A text that changes when the entry does. The ctime changes with every write, chmod and link, and no command can
 * set it. A directory's ctime changes with each name inside, so its mtime is used, in seconds as images have it. A
 * clock tick (up to 10 ms before Linux 6.13) is shorter than the time from a snapshot to the first command, and a
 * file that this program replaces gets another inode.
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
