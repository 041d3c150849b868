import { createReadStream, readlinkSync } from 'node:fs';
import { createFolder, createFolderFault, type Folder } from '../../folder/folder.js';
import { type WalkedEntry, walkFolder } from '../../folder/walk.js';
import { plainAttributes } from '../../folder/write-entry.js';
import { parsePermissions, parseType } from '../../format/mode.js';
import { decodePath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error.js';
import { clampTime, digestBody, type Found, type FoundTree, noBody } from './source-tree.js';

/**
 * Reads a folder, no symlink followed. What belongs to the owner of the folder itself belongs to nobody in
 * particular, so that a folder of anybody's can be repacked by anybody. Every regular file is read once for
 * its digest, and again when it is written.
 */
export async function findInFolder(path: string, signal: AbortSignal): Promise<FoundTree> {
  const folder = createFolder(path);
  const walked = await walkFolder(folder, new Set(), signal);
  const owner = walked.get('')?.stat.uid ?? 0n;
  const entries = new Map<string, Found>();
  for (const [at, found] of walked) {
    signal.throwIfAborted();
    entries.set(at, await createFound(folder, found, owner));
  }
  return { name: path, entries, shows: plainAttributes.mode };
}

async function createFound(folder: Folder, { path, stat }: WalkedEntry, owner: bigint): Promise<Found> {
  const mode = Number(stat.mode);
  const type = parseType(mode) ?? 'file';
  const isDevice = type === 'character' || type === 'block';
  const body = type === 'file' ? () => createReadStream(folder.locate(path)) : noBody;
  const target = type === 'symlink' ? readTarget(folder, path) : undefined;
  return {
    path,
    type,
    mode: parsePermissions(mode),
    ...(stat.uid === owner ? {} : { owner: { uid: Number(stat.uid), gid: Number(stat.gid) } }),
    mtime: clampTime(Number(stat.mtimeMs) / 1000),
    size: type === 'file' || type === 'symlink' ? Number(stat.size) : 0,
    ...(target === undefined ? {} : { target }),
    ...(isDevice ? { device: splitDevice(stat.rdev) } : {}),
    ...(type !== 'directory' && stat.nlink > 1n ? { link: `${stat.dev}:${stat.ino}` } : {}),
    ...(type === 'file' ? { sha256: await digestBody(body()).catch((cause) => refuse(path, cause)) } : {}),
    body,
  };
}

/** As glibc's gnu_dev_major and gnu_dev_minor take a device number apart. */
function splitDevice(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)) >>> 0,
  };
}

function readTarget(folder: Folder, path: string): string {
  try {
    return decodePath(readlinkSync(folder.locate(path), { encoding: 'buffer' }));
  } catch (error) {
    throw createFolderFault(error, 'reading', path);
  }
}

function refuse(path: string, cause: NodeJS.ErrnoException): never {
  if (cause.code === undefined) throw cause;
  throw new MobyPatchError('invalid', 'input-unreadable', `cannot read the file: ${cause.code}`, {
    path,
    cause,
    hint: 'make it readable for the user who runs this',
  });
}
