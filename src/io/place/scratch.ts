import {
  type BigIntStats,
  fstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findMachineFault, MobyPatchError } from '../../model/error/error.js';
import { lookAt } from '../file/exists.js';
import { readRegular } from '../file/regular-file.js';
import {
  findProcess,
  formatRecord,
  isRunning,
  type ProcessRecord,
  parseRecord,
  recordProcess,
} from '../process/process-record.js';
import { scratchPrefix } from './own-scratch.js';
import { type FolderIdentity, type OpenFolder, openFolder, pathOfOpened, removeTree } from './remove-tree.js';
import { keepsNames } from './trust.js';

/** A private folder (mode 0700) that says whose it is: `removeAbandoned` removes it when its process is gone. */
export interface Scratch extends AsyncDisposable {
  readonly path: string;
  /** Records a program that this process started: one that outlives it is ended by `removeAbandoned`. */
  own(pid: number): void;
}

/** `scratch`: a temporary folder; `output`: one beside what is going to be put in place. */
export type ScratchKind = 'scratch' | 'output';

const prefixes: Readonly<Record<ScratchKind, string>> = {
  scratch: scratchPrefix,
  output: `.${scratchPrefix}`,
};
const ownerName = '.owner';
const processPattern = /^\.process-\d+$/;

/** A temporary folder. Errors: `scratch-unwritable`, `folder-unsafe`. */
export async function createScratch(parent: string = tmpdir()): Promise<Scratch> {
  return createPrivateFolder(parent, 'scratch').catch((cause) => {
    if (cause instanceof MobyPatchError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const fault = findMachineFault(cause);
    const message = `cannot make a temporary folder in ${parent}: ${fault?.reason ?? code}`;
    const hint = fault?.hint ?? 'set TMPDIR to a folder that you can write';
    throw new MobyPatchError('infrastructure', 'scratch-unwritable', message, { path: parent, hint, cause });
  });
}

/** Errors: `folder-unsafe` (`invalid`), those of the system. */
export async function createPrivateFolder(parent: string, kind: ScratchKind): Promise<Scratch> {
  const named = mkdtempSync(join(parent, `${prefixes[kind]}${process.pid}-`));
  const isSafe = await keepsNames(parent);
  const folder = openFolder(named);
  try {
    const identity = folder && fstatSync(folder.descriptor, { bigint: true });
    // A file system without owners says anything of them.
    if (folder === undefined || identity === undefined || !(isSafe || isOwn(identity)))
      throw createSwappedError(named);
    const path = isSafe ? named : locateOpened(folder);
    if (isSafe) folder[Symbol.dispose]();
    return await claim({ path, identity, named, folder });
  } catch (error) {
    folder?.[Symbol.dispose]();
    throw error;
  }
}

interface NewFolder {
  readonly path: string;
  /** Its path when it was made. */
  readonly named: string;
  readonly identity: FolderIdentity;
  /** To be closed at the end. */
  readonly folder: OpenFolder;
}

async function claim({ path, named, identity, folder }: NewFolder): Promise<Scratch> {
  const remove = async () => {
    const attempt = () => removeTree(named, { identity, last: ownerName });
    // What cannot be removed has its record: the next run removes it, and the work that was done stays done.
    await attempt()
      .catch(attempt)
      .catch(() => {});
    folder[Symbol.dispose]();
  };
  try {
    writeRecord(join(path, ownerName), recordProcess());
  } catch (error) {
    await remove();
    throw error;
  }
  const own = (pid: number) => {
    const at = join(path, `.process-${pid}`);
    rmSync(at, { force: true });
    writeRecord(at, recordProcess(pid));
  };
  return { path, own, [Symbol.asyncDispose]: remove };
}

/**
 * Where others can rename our folder, and put a symlink in its place, its name is not used: a path through the
 * descriptor leads to it, also for the programs that are started.
 */
function locateOpened({ descriptor }: OpenFolder): string {
  const path = `/proc/${process.pid}/fd/${descriptor}`;
  const [one, other] = [fstatSync(descriptor), lookAt(path)];
  if (one.dev === other?.dev && one.ino === other.ino) return path;
  throw new MobyPatchError('invalid', 'folder-unsafe', 'others can rename what is in this folder', {
    hint: 'chmod +t, or another folder: TMPDIR=DIR for temporary files, -o FILE for the output',
  });
}

function createSwappedError(path: string): MobyPatchError {
  const message = 'another user replaced a folder of ours while it was made';
  return new MobyPatchError('failed', 'folder-unsafe', message, {
    path,
    hint: 'TMPDIR=DIR names another folder',
  });
}

function isOwn({ uid, mode }: BigIntStats): boolean {
  return Number(uid) === (process.geteuid?.() ?? Number(uid)) && (mode & 0o777n) === 0o700n;
}

/** What was removed, and which processes were ended. */
export interface Removed {
  readonly folders: readonly string[];
  readonly processes: readonly number[];
}

/**
 * Removes the folders that processes of this user left which are gone: what a SIGKILL leaves behind. A name proves
 * nothing, for anybody can make one: a folder is ours by its owner, its mode and the record inside.
 */
export async function removeAbandoned(parent: string, kind: ScratchKind): Promise<Removed> {
  const folders: string[] = [];
  const processes: number[] = [];
  for (const { path, identity, running } of await findAbandoned(parent, kind)) {
    for (const { pid } of running) {
      process.kill(pid, 'SIGKILL');
      processes.push(pid);
    }
    await removeTree(path, { identity, last: ownerName });
    folders.push(path);
  }
  return { folders, processes };
}

/** The folders that `removeAbandoned` would remove. */
export async function listAbandoned(parent: string, kind: ScratchKind): Promise<string[]> {
  return (await findAbandoned(parent, kind)).map(({ path }) => path);
}

interface AbandonedFolder {
  readonly path: string;
  readonly identity: FolderIdentity;
  /** Programs of its process that are still there. */
  readonly running: readonly ProcessRecord[];
}

async function findAbandoned(parent: string, kind: ScratchKind): Promise<AbandonedFolder[]> {
  const names = listNames(parent);
  const found: AbandonedFolder[] = [];
  for (const name of names.filter((each) => each.startsWith(prefixes[kind]))) {
    const pid = /^(\d{1,10})-[A-Za-z0-9]{6}$/.exec(name.slice(prefixes[kind].length))?.[1];
    const abandoned = pid === undefined ? undefined : await examine(join(parent, name), Number(pid));
    if (abandoned !== undefined) found.push(abandoned);
  }
  return found;
}

/** None for a folder that cannot be read. */
function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined for a folder that is not ours or still in use. `pid`: that of its name. */
async function examine(path: string, pid: number): Promise<AbandonedFolder | undefined> {
  using folder = openFolder(path);
  if (folder === undefined) return undefined;
  const status = fstatSync(folder.descriptor, { bigint: true });
  if (!isOwn(status)) return undefined;
  const inside = pathOfOpened(folder, path);
  const names = await readdir(inside);
  const owner = await readRecord(join(inside, ownerName));
  // An empty folder is one whose process was killed before it wrote the record: nobody loses a file.
  const isGone = owner === undefined ? names.length === 0 && !isRunning(pid) : findProcess(owner) === 'gone';
  if (!isGone) return undefined;
  const records = names.filter((name) => processPattern.test(name)).map((name) => join(inside, name));
  const programs = (await Promise.all(records.map(readRecord))).filter((each) => each !== undefined);
  const running = programs.filter((each) => findProcess(each) === 'running');
  return { path, identity: status, running };
}

/** A symlink appears with its whole content: no moment leaves half a record. */
function writeRecord(path: string, record: ProcessRecord): void {
  const text = formatRecord(record);
  try {
    symlinkSync(text, path);
  } catch (error) {
    // FAT and its like have no symlinks.
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  }
}

const longestRecord = 1000;

async function readRecord(path: string): Promise<ProcessRecord | undefined> {
  const text = await readlink(path)
    .catch(async () => (await readRegular(path, longestRecord, { follow: false })).toString('latin1'))
    .catch(() => '');
  return parseRecord(text);
}
