import { constants, renameSync, writeFileSync } from 'node:fs';
import { appendFile, chmod, copyFile, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** Error (`invalid`): `output-unwritable`. */
export async function createStaging(folder: string, inputs: readonly FileAccess[]): Promise<Staging> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw createWriteError(folder, cause);
  });
  const scratch: Scratch = await createPrivateFolder(folder, 'output').catch((cause) => {
    throw cause instanceof MobyPatchError ? cause : createWriteError(folder, cause);
  });

  const umask = readUmask();

  async function settle({ path, destination }: PlacedFile): Promise<void> {
    await using file = await open(path, 'r+');
    await settleAccess(file, { inputs, destination, umask });
    await file.sync();
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
        await Promise.all(files.map(settle));
        for (const { path, destination } of files) renameSync(path, destination);
        for (const parent of parents) await syncFolder(parent);
      } catch (cause) {
        throw cause instanceof MobyPatchError ? cause : createWriteError(folder, cause);
      }
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
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
