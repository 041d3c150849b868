import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning } from '../../io/scratch.js';
import { MobyPatchError } from '../../model/error.js';

interface Owner {
  readonly pid: number;
  /** When the process began, in ticks since the machine did: an id is used again. Linux only. */
  readonly begun: string;
  readonly what: string;
}

const namePattern = /^lock\.(\d+)$/;

/**
 * One process at a time works on an image. The lock of a process that is no more does not count: the next one
 * takes the next number, which only one can, and whoever finds that another is alive steps back.
 * Error (`failed`): `locked`, with the process that has it.
 */
export async function lockFolder(folder: string, what: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mine: Owner = { pid: process.pid, begun: await readBegin(process.pid), what };
  await removeAbandonedDrafts(folder);
  const draft = join(folder, `.lock-${process.pid}`);
  await writeFile(draft, JSON.stringify(mine));
  try {
    for (;;) {
      const numbers = await listLocks(folder);
      await refuseWhenHeld(folder, numbers);
      const number = Math.max(0, ...numbers) + 1;
      const path = join(folder, `lock.${number}`);
      const taken = await link(draft, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          return false;
        },
      );
      if (!taken) continue;
      const others = (await listLocks(folder)).filter((each) => each !== number);
      try {
        await refuseWhenHeld(folder, others);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      for (const other of others) await rm(join(folder, `lock.${other}`), { force: true });
      // One that cannot be removed does not count as soon as this process is gone.
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }).catch(() => {}) };
    }
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function removeAbandonedDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\.lock-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

async function refuseWhenHeld(folder: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const path = join(folder, `lock.${number}`);
    const owner = await readOwner(path);
    if (owner === undefined || !(await isAlive(owner))) continue;
    throw new MobyPatchError(
      'failed',
      'locked',
      `another moby-patch works on this image: ${owner.what}, process ${owner.pid}`,
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

/** A lock appears with all its content; one without is what a power failure left. */
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

/** Field 22 of /proc/PID/stat, counted behind the command's name, which may have spaces in it. */
async function readBegin(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
