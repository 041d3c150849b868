import { readlinkSync } from 'node:fs';
import { createFolderFault, type Folder, parentOf } from '../../folder/folder.js';
import type { WalkedEntry } from '../../folder/walk.js';
import { parsePermissions, parseType } from '../../format/mode.js';
import { decodePath, showPath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Change } from '../../model/image/change.js';
import type { Device, Entry } from '../../model/image/entry.js';
import { createLeftSize } from '../left-size.js';
import { createSizeError, largestFile } from '../rights.js';
import type { Bodies } from './bodies.js';

/** Path -> signature, of a folder before anything was done in it. */
export type Snapshot = ReadonlyMap<string, string>;

/**
 * The differences of a folder from its snapshot: removals (the top of each removed subtree), then puts, each sorted by
 * path. A name that is no directory any more is removed first. Error (`failed`): file-too-large.
 */
export function compareSnapshot(
  before: Snapshot,
  now: ReadonlyMap<string, WalkedEntry>,
  folder: Folder,
  bodies: Bodies,
): Change[] {
  const gone = [...before].filter(([path, signature]) => isGone(path, signature, now)).map(([path]) => path);
  const changed = [...now.values()].filter(({ path, signature }) => before.get(path) !== signature);
  const links = countNames(changed);
  assertBounded(changed);
  return [
    ...gone.sort().map((path): Change => ({ op: 'remove', path })),
    ...changed
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map((entry): Change => ({ op: 'put', entry: createEntry(entry, folder, bodies, links) })),
  ];
}

function assertBounded(changed: readonly WalkedEntry[]): void {
  const left = createLeftSize();
  const counted = new Set<bigint>();
  for (const { path, stat } of changed) {
    if (!stat.isFile() || counted.has(stat.ino)) continue;
    if (stat.nlink > 1n) counted.add(stat.ino);
    left.add(path, Number(stat.size));
  }
}

function isGone(path: string, signature: string, now: ReadonlyMap<string, WalkedEntry>): boolean {
  const current = now.get(path);
  if (current !== undefined) return signature.startsWith('directory:') && !current.stat.isDirectory();
  return now.get(parentOf(path))?.stat.isDirectory() === true;
}

/** Inode -> how many of its names changed: all of them, since a new or a lost name moves the ctime. */
function countNames(changed: readonly WalkedEntry[]): Map<bigint, number> {
  const names = new Map<bigint, number>();
  for (const { stat } of changed) {
    if (stat.isFile() && stat.nlink > 1n) names.set(stat.ino, (names.get(stat.ino) ?? 0) + 1);
  }
  return names;
}

function createEntry(walked: WalkedEntry, folder: Folder, bodies: Bodies, links: Map<bigint, number>): Entry {
  const { path, stat } = walked;
  const mode = Number(stat.mode);
  const type = parseType(mode);
  if (type === undefined)
    throw new MobyPatchError('failed', 'local-folder', `${showPath(path)} has no type`, { path });
  if (stat.size > largestFile && type === 'file') throw createSizeError(path, stat.size);
  const seconds = stat.mtimeNs / 1_000_000_000n;
  return {
    path,
    type,
    mode: parsePermissions(mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: Number(seconds < 0n ? 0n : seconds > 0xffffffffn ? 0xffffffffn : seconds),
    size: type === 'file' || type === 'symlink' ? Number(stat.size) : 0,
    ...(type === 'symlink' ? { target: readTarget(folder, path) } : {}),
    ...(type === 'character' || type === 'block' ? { device: parseDevice(stat.rdev) } : {}),
    ...((links.get(stat.ino) ?? 0) > 1 && type === 'file' ? { link: `local-${stat.ino}` } : {}),
    body: type === 'file' ? bodies.of(walked) : nothing,
  };
}

/** The 64-bit encoding of `gnu_dev_makedev`. */
function parseDevice(rdev: bigint): Device {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

function readTarget(folder: Folder, path: string): string {
  try {
    return decodePath(readlinkSync(folder.locate(path), { encoding: 'buffer' }));
  } catch (error) {
    throw createFolderFault(error, 'reading', path);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
