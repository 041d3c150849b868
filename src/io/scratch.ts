import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

const namePattern = /^moby-patch-(\d+)-/;

/** A private temporary folder (mode 0700). Its name carries our process id, for `findAbandonedScratch`. */
export async function createScratch(parent = tmpdir()): Promise<Scratch> {
  const path = await mkdtemp(join(parent, `moby-patch-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Folders that a process left which is no more: what a SIGKILL leaves behind. */
export async function findAbandonedScratch(parent = tmpdir()): Promise<string[]> {
  const names = await readdir(parent);
  return names.filter((name) => isAbandoned(name)).map((name) => join(parent, name));
}

function isAbandoned(name: string): boolean {
  const pid = namePattern.exec(name)?.[1];
  return pid !== undefined && !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
