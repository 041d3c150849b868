import { readlinkSync } from 'node:fs';
import { createFolder, createFolderFault, type Folder } from '../../folder/folder.js';
import { type WalkedEntry, walkFolder } from '../../folder/walk.js';
import { plainAttributes } from '../../folder/write-entry.js';
import { parsePermissions, parseType } from '../../format/mode.js';
import { decodePath } from '../../format/path.js';
import { createUnreadableError, streamRegular } from '../../io/file/regular-file.js';
import { clampTime, digestBody, noBody, type SourceEntry, type SourceTree } from './source-tree.js';

/**
 * Reads a folder without following symlinks. An entry of the folder's own owner gets no owner, so any user can repack
 * the folder of any other. Each regular file is read once for its digest, and again when it is written.
 */
export async function readFolder(path: string, signal: AbortSignal): Promise<SourceTree> {
  const folder = createFolder(path);
  const walked = await walkFolder(folder, new Set(), signal);
  const owner = walked.get('')?.stat.uid ?? 0n;
  const entries = new Map<string, SourceEntry>();
  for (const [at, found] of walked) {
    signal.throwIfAborted();
    entries.set(at, await createEntry(folder, found, owner));
  }
  return { name: path, entries, shows: plainAttributes.mode };
}

async function createEntry(folder: Folder, { path, stat }: WalkedEntry, owner: bigint): Promise<SourceEntry> {
  const mode = Number(stat.mode);
  const type = parseType(mode) ?? 'file';
  const isDevice = type === 'character' || type === 'block';
  const body = type === 'file' ? () => streamRegular(folder.locate(path), { follow: false }) : noBody;
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

/** The bits of a device number, as in glibc's gnu_dev_major and gnu_dev_minor. */
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
  const hint = 'make it readable for the user who runs this';
  throw createUnreadableError(cause, { code: 'input-unreadable', what: 'the file', path, hint });
}
