import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sidecarSuffix } from '../../format/sidecar.js';
import { removeAbandonedOutputs } from '../../io/output.js';
import { MobyPatchError } from '../../model/error.js';
import { type FolderTraits, probeFolder } from './folder-traits.js';

/** A folder and its sidecar, created beside their destination; disposing removes what was not published. */
export interface NewFolder extends AsyncDisposable {
  /** Empty at first. */
  readonly path: string;
  readonly traits: FolderTraits;
  /** Paths for two files: the sidecar, and the lines of its records that are written while an image is read. */
  readonly lines: string;
  readonly records: string;
  /** Removes everything that was written so far. */
  clear(): Promise<void>;
  /** Renames both to their final names; the path of the sidecar. */
  publish(): Promise<string>;
}

/** Errors (`invalid`): `output-exists` for anything but a free name or an empty folder, `output-unwritable`. */
export async function createNewFolder(destination: string): Promise<NewFolder> {
  await assertFree(destination);
  await removeAbandonedOutputs(dirname(destination));
  const suffix = `moby-patch-${process.pid}-${randomBytes(4).toString('hex')}`;
  const path = join(dirname(destination), `.${basename(destination)}.${suffix}`);
  const [lines, records] = [`${path}.jsonl`, `${path}.records`];
  const make = () =>
    mkdir(path, 0o700).catch((cause) => Promise.reject(createWriteError(destination, cause)));
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    await rm(lines, { force: true });
    await rm(records, { force: true });
  };
  await make();
  try {
    return {
      path,
      traits: await probeFolder(path),
      lines,
      records,
      async clear() {
        await remove();
        await make();
      },
      publish: () => publish(path, destination, lines),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The sidecar first: a folder without one is taken for a folder that never was an image. */
async function publish(folder: string, destination: string, lines: string): Promise<string> {
  const sidecar = `${destination}${sidecarSuffix}`;
  try {
    await rename(lines, sidecar);
    await rename(folder, destination);
    return sidecar;
  } catch (cause) {
    await rm(sidecar, { force: true });
    throw createWriteError(destination, cause as NodeJS.ErrnoException);
  }
}

async function assertFree(destination: string): Promise<void> {
  const found = await lstat(destination).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw createWriteError(destination, cause);
  });
  if (found === undefined) return;
  if (found.isDirectory() && (await readdir(destination)).length === 0) return;
  const what = found.isDirectory() ? 'a folder that is not empty' : 'something that is no folder';
  throw new MobyPatchError('invalid', 'output-exists', `found ${what}, wanted a free name`, {
    path: destination,
    hint: 'give another name: -o DIR',
  });
}

function createWriteError(destination: string, cause: NodeJS.ErrnoException): MobyPatchError {
  const kind = cause.code === 'ENOSPC' || cause.code === 'EDQUOT' ? 'infrastructure' : 'invalid';
  return new MobyPatchError(kind, 'output-unwritable', `cannot make the folder: ${cause.code}`, {
    path: destination,
    cause,
    hint: cause.code === 'ENOENT' ? 'create the folder above it first' : undefined,
  });
}
