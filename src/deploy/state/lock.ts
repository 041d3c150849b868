import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { showLine } from '../../format/show-text.js';
import { createUnreadableError, isMissing, readRegular } from '../../io/file/regular-file.js';
import {
  findProcess,
  isRunning,
  type ProcessRecord,
  recordProcess,
} from '../../io/process/process-record.js';
import { MobyPatchError } from '../../model/error/error.js';

const word = z.string().default('');
const ownerSchema = z.object({ pid: z.int().min(1), begun: word, boot: word, namespace: word, what: word });

/** The content of a lock file; `what`: the command that the process runs. */
type Owner = ProcessRecord & { readonly what: string };

const namePattern = /^lock\.(\d+)$/;

/**
 * Lets one process at a time work on an image. Locks are numbered files; link() creates each number only once. A
 * lock whose process is gone does not count: the next process takes the next number, and withdraws if another lock
 * turns out to belong to a live process. `what`: the command, for the message of the other process.
 * Error (`failed`): `locked`, with the process that owns the lock.
 */
export async function lockFolder(folder: string, what: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const owner: Owner = { ...recordProcess(), what };
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
    const presence = owner === undefined ? 'gone' : findProcess(owner);
    if (presence === 'gone') continue;
    const message = `another moby-patch is working on this image: ${showLine(owner?.what ?? '')}, process ${owner?.pid}`;
    const hint =
      presence === 'running'
        ? 'wait until it is done'
        : `it is in another container; if that is gone: rm ${path}`;
    throw new MobyPatchError('failed', 'locked', message, { path, hint });
  }
}

async function listLocks(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const number = namePattern.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** Bytes. */
const largestLock = 64 * 1024;

/**
 * A lock appears with its whole content, so an empty or broken one was left by a power failure: undefined. Error:
 * `lock-unreadable`.
 */
async function readOwner(path: string): Promise<Owner | undefined> {
  const bytes = await readRegular(path, largestLock).catch((cause) => {
    if (isMissing(cause)) return undefined;
    const hint = `rm ${path}`;
    throw createUnreadableError(cause, { code: 'lock-unreadable', what: 'the lock', path, hint });
  });
  try {
    return ownerSchema.safeParse(JSON.parse(bytes?.toString('utf8') ?? '')).data;
  } catch {
    return undefined;
  }
}
