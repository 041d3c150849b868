import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir } from 'node:fs/promises';
import { runProcess } from './process.js';

/** Which folder it is, whatever its name. */
export interface FolderIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * A folder of ours that is open, so that its name may lead elsewhere meanwhile. Undefined for a missing folder, and
 * for anything else that has the name now: a symlink to somebody's folder, say.
 */
export async function openFolder(path: string): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK).catch((error) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(error.code)) return undefined;
    throw error;
  });
}

/** A path through the descriptor of an open folder; through its name where the system has no such paths. */
export async function pathOfOpened({ fd }: FileHandle, path: string): Promise<string> {
  const through = `/proc/self/fd/${fd}`;
  return readdir(through).then(
    () => through,
    () => path,
  );
}

/**
 * Removes a folder with all that is in it, by its descriptor: what somebody puts in its place meanwhile stays. A
 * folder of another identity stays too.
 */
export async function removeTree(path: string, wanted?: FolderIdentity): Promise<void> {
  const folder = await openFolder(path);
  if (folder === undefined) return;
  try {
    const { dev, ino } = await folder.stat({ bigint: true });
    if (wanted !== undefined && (wanted.dev !== dev || wanted.ino !== ino)) return;
    await clear(await pathOfOpened(folder, path));
  } finally {
    await folder.close();
  }
  // Only an empty folder can go: nobody's files.
  await rmdir(path).catch((error) => {
    if (!['ENOENT', 'ENOTDIR'].includes(error.code)) throw error;
  });
}

/** Seconds. */
const removalTimeout = 600;

async function clear(folder: string): Promise<void> {
  try {
    for (const name of await readdir(folder, { encoding: 'buffer' }))
      await rm(Buffer.concat([Buffer.from(`${folder}/`), name]), { recursive: true, force: true });
  } catch {
    // Names and depths that no path reaches: find goes by descriptors.
    const own = folder.replace('/proc/self/', `/proc/${process.pid}/`);
    const { signal } = new AbortController();
    const argv = ['find', '.', '-xdev', '-mindepth', '1', '-delete'];
    await runProcess(argv, { signal, timeout: removalTimeout, cwd: own, package: 'findutils' });
  }
}
