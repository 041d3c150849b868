import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir } from 'node:fs/promises';
import { runProcess } from '../process/process.js';

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

interface RemoveOptions {
  /** A folder of another identity stays. */
  readonly identity?: FolderIdentity | undefined;
  /** The name of the file that goes last: a removal that is killed leaves it. */
  readonly last?: string;
}

/**
 * Removes a folder with all that is in it, by its descriptor: what somebody puts in its place meanwhile stays.
 */
export async function removeTree(
  path: string,
  { identity: wanted, last }: RemoveOptions = {},
): Promise<void> {
  const folder = await openFolder(path);
  if (folder === undefined) return;
  try {
    const { dev, ino } = await folder.stat({ bigint: true });
    if (wanted !== undefined && (wanted.dev !== dev || wanted.ino !== ino)) return;
    const inside = await pathOfOpened(folder, path);
    await clear(inside, last);
    if (last !== undefined) await rm(`${inside}/${last}`, { force: true });
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

async function clear(folder: string, last: string | undefined): Promise<void> {
  try {
    for (const name of await readdir(folder, { encoding: 'buffer' })) {
      if (name.toString('latin1') === last) continue;
      await rm(Buffer.concat([Buffer.from(`${folder}/`), name]), { recursive: true, force: true });
    }
  } catch {
    // Names and depths that no path reaches: find goes by descriptors.
    const own = folder.replace('/proc/self/', `/proc/${process.pid}/`);
    const { signal } = new AbortController();
    const others = last === undefined ? [] : ['!', '-path', `./${last}`];
    const argv = ['find', '.', '-xdev', '-mindepth', '1', ...others, '-delete'];
    await runProcess(argv, { signal, timeout: removalTimeout, cwd: own, package: 'findutils' });
  }
}
