import {
  closeSync,
  constants,
  fchmodSync,
  fsync,
  lstatSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { appendFile, chmod, copyFile, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { readUmask, settleAccess } from '../../io/place/access.js';
import { createPrivateFolder, type Scratch } from '../../io/place/scratch.js';
import { syncFolder } from '../../io/place/sync-folder.js';
import type { FileAccess } from '../../model/access.js';
import { MobyPatchError } from '../../model/error/error.js';

/** A file that is written, and waits for its name. */
export interface PlacedFile {
  readonly path: string;
  readonly destination: string;
}

export interface StagedFile {
  readonly path: string;
  /** Bytes that went to the disk for it. */
  readonly written: number;
}

/** Files in a private folder beside their destinations. */
export interface Staging extends AsyncDisposable {
  /** A file with these bytes; `behind`: they follow a copy of that file, which shares its blocks where the file system can. */
  write(name: string, bytes: Uint8Array, behind?: string): Promise<StagedFile>;
  /** Puts the files on disk, then gives them their names. */
  publish(files: readonly PlacedFile[]): Promise<void>;
}

/** Files that wait for the disk at a time. */
const together = 8;
const waitForDisk = promisify(fsync);

/** Error (`invalid`): `output-unwritable`. */
export async function createStaging(folder: string, inputs: readonly FileAccess[]): Promise<Staging> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw createWriteError(folder, cause);
  });
  const scratch: Scratch = await createPrivateFolder(folder, 'output').catch((cause) => {
    throw cause instanceof MobyPatchError ? cause : createWriteError(folder, cause);
  });

  const umask = readUmask();
  /** Of a file that replaces none: the same for all in one folder. */
  let usualMode: number | undefined;

  async function settle({ path, destination }: PlacedFile): Promise<void> {
    const replaces = lstatSync(destination, { throwIfNoEntry: false }) !== undefined;
    if (!replaces && usualMode !== undefined) return settleUsual(path, usualMode);
    await using file = await open(path, 'r+');
    await settleAccess(file, { inputs, destination, umask });
    if (!replaces) usualMode = (await file.stat()).mode & 0o7777;
    await file.sync();
  }

  async function settleAll(files: readonly PlacedFile[]): Promise<void> {
    const [first, ...others] = files;
    if (first === undefined) return;
    await settle(first);
    const limit = pLimit(together);
    await Promise.all(others.map((file) => limit(settle, file)));
  }

  return {
    async write(name, bytes, behind) {
      const path = join(scratch.path, name);
      if (behind === undefined) {
        // A file of some kilobytes is in memory before another thread has woken up for it.
        writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
        return { path, written: bytes.length };
      }
      const copied = await shareBlocks(behind, path);
      await appendFile(path, bytes);
      return { path, written: copied + bytes.length };
    },
    async publish(files) {
      try {
        const parents = new Set(files.map(({ destination }) => dirname(destination)));
        for (const parent of parents) await mkdir(parent, { recursive: true });
        await settleAll(files);
        for (const { path, destination } of files) renameSync(path, destination);
        for (const parent of parents) await syncFolder(parent);
      } catch (cause) {
        throw cause instanceof MobyPatchError ? cause : createWriteError(folder, cause);
      }
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

/** All but the wait for the disk is done before another thread has woken up for it. */
async function settleUsual(path: string, mode: number): Promise<void> {
  const descriptor = openSync(path, 'r+');
  try {
    fchmodSync(descriptor, mode);
    await waitForDisk(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A copy that shares the blocks of the file where the file system can (Btrfs, XFS); the answer is how many bytes were copied. */
async function shareBlocks(source: string, path: string): Promise<number> {
  const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } = constants;
  const isShared = await copyFile(source, path, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE).then(
    () => true,
    () => false,
  );
  if (!isShared) {
    await rm(path, { force: true });
    await copyFile(source, path, COPYFILE_EXCL);
  }
  await chmod(path, 0o600);
  return isShared ? 0 : (await stat(path)).size;
}

function createWriteError(path: string, cause: unknown): MobyPatchError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new MobyPatchError('invalid', 'output-unwritable', `cannot write the overlays: ${code ?? message}`, {
    path,
    cause,
    hint: `name a place that can be written to: -o DIRECTORY/\${name}.img`,
  });
}
