import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

const namePattern = /^moby-patch-(\d+)-/;

/** A private temporary folder (mode 0700). The process id is in its name, for `findAbandonedScratch`. */
export async function createScratch(parent = tmpdir()): Promise<Scratch> {
  const path = await mkdtemp(join(parent, `moby-patch-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Folders of processes that no longer run: what a SIGKILL leaves behind. */
export async function findAbandonedScratch(parent = tmpdir()): Promise<string[]> {
  const names = await readdir(parent);
  return names.filter((name) => isAbandoned(name)).map((name) => join(parent, name));
}

function isAbandoned(name: string): boolean {
  const pid = namePattern.exec(name)?.[1];
  return pid !== undefined && !isRunning(Number(pid));
}

/**
 * Kills the processes that an abandoned folder's owner started and that outlived it (a guest of QEMU): those
 * whose command line names the folder; their ids. Linux only: other systems have no /proc.
 */
export async function endUsersOf(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const ended: number[] = [];
  for (const pid of pids.filter((each) => each !== process.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (!command.split('\0').some((word) => word.includes(`${folder}/`))) continue;
    process.kill(pid, 'SIGKILL');
    ended.push(pid);
  }
  return ended;
}

/** Whether a process with this id exists, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
