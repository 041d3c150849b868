import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { lookAt, lookAtName } from '../file/exists.js';
import { runProcess } from '../process/process.js';

/** Which folder it is, whatever its name. */
export interface FolderIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** A folder of ours that is open, so that its name may lead elsewhere meanwhile. */
export interface OpenFolder extends Disposable {
  readonly descriptor: number;
}

/** Undefined for a missing folder, and for anything else that has the name now: a symlink to somebody's folder, say. */
export function openFolder(path: string): OpenFolder | undefined {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const descriptor = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    let isOpen = true;
    return {
      descriptor,
      [Symbol.dispose]() {
        if (isOpen) closeSync(descriptor);
        isOpen = false;
      },
    };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(code)) return undefined;
    throw error;
  }
}

/** A path through the descriptor of an open folder; through its name where the system has no such paths. */
export function pathOfOpened({ descriptor }: OpenFolder, path: string): string {
  const through = `/proc/self/fd/${descriptor}`;
  return lookAt(`${through}/.`) === undefined ? path : through;
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
  {
    using folder = openFolder(path);
    if (folder === undefined) return;
    const { dev, ino } = fstatSync(folder.descriptor, { bigint: true });
    if (wanted !== undefined && (wanted.dev !== dev || wanted.ino !== ino)) return;
    const inside = pathOfOpened(folder, path);
    await clear(inside, last);
    if (last !== undefined) rmSync(`${inside}/${last}`, { force: true });
  }
  // Only an empty folder can go: nobody's files.
  try {
    rmdirSync(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Seconds. */
const removalTimeout = 600;

async function clear(folder: string, last: string | undefined): Promise<void> {
  try {
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      if (name.toString('latin1') === last) continue;
      const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
      if (lookAtName(path)?.isDirectory()) await rm(path, { recursive: true, force: true });
      else unlinkSync(path);
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
