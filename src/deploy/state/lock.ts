import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning } from '../../io/scratch.js';
import { MobyPatchError } from '../../model/error.js';

/** The content of a lock file. */
interface Owner {
  readonly pid: number;
  /** When the process began, in ticks since boot: process ids are used again. Empty where /proc does not tell. */
  readonly begun: string;
  /** The command that the process runs. */
  readonly what: string;
}

const namePattern = /^lock\.(\d+)$/;

/**
 * Lets one process at a time work on an image. Locks are numbered files; link() creates each number only once. A
 * lock whose process is gone does not count: the next process takes the next number, and withdraws if another lock
 * turns out to belong to a live process. `what`: the command, for the message of the other process.
 * Error (`failed`): `locked`, with the process that owns the lock.
 */
export async function lockFolder(folder: string, what: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const owner: Owner = { pid: process.pid, begun: await readBegin(process.pid), what };
  await removeAbandonedDrafts(folder);
  const draft = join(folder, `.lock-${process.pid}`);
  await writeFile(draft, JSON.stringify(owner));
  try {
    const path = await linkNextNumber(folder, draft);
    // If removing it fails, the lock stops counting when this process ends.
    return { [Symbol.asyncDispose]: () => rm(path, { force: true }).catch(() => {}) };
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function linkNextNumber(folder: string, draft: string): Promise<string> {
  for (;;) {
    const numbers = await listLocks(folder);
    await refuseLiveOwners(folder, numbers);
    const number = Math.max(0, ...numbers) + 1;
    const path = join(folder, `lock.${number}`);
    if (!(await linkNew(draft, path))) continue;
    const others = (await listLocks(folder)).filter((each) => each !== number);
    try {
      await refuseLiveOwners(folder, others);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    for (const other of others) await rm(join(folder, `lock.${other}`), { force: true });
    return path;
  }
}

/** False when the new name exists already. */
function linkNew(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      return false;
    },
  );
}

async function removeAbandonedDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\.lock-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

async function refuseLiveOwners(folder: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const path = join(folder, `lock.${number}`);
    const owner = await readOwner(path);
    if (owner === undefined || !(await isAlive(owner))) continue;
    throw new MobyPatchError(
      'failed',
      'locked',
      `another moby-patch is working on this image: ${owner.what}, process ${owner.pid}`,
      { path, hint: 'wait until it is done' },
    );
  }
}

async function listLocks(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const number = namePattern.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** A lock appears with its whole content, so an empty or broken one was left by a power failure: undefined. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, begun }: Owner): Promise<boolean> {
  return isRunning(pid) && (begun === '' || (await readBegin(pid)) === begun);
}

/** Field 22 of /proc/PID/stat, counted from the end of the command's name, which may contain spaces. */
async function readBegin(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
