import { chmod, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sidecarSuffix } from '../../format/sidecar.js';
import { openRegular } from '../../io/file/regular-file.js';
import { type AccessRequest, restrict, settleAccess, withoutLists } from '../../io/place/access.js';
import { removeTree } from '../../io/place/remove-tree.js';
import { createPrivateFolder, removeAbandoned } from '../../io/place/scratch.js';
import type { FileAccess } from '../../model/access.js';
import { MobyPatchError } from '../../model/error/error.js';
import { type FolderTraits, probeFolder } from './folder-traits.js';

/** A folder and its sidecar, created beside their destination; disposing removes what was not published. */
export interface NewFolder extends AsyncDisposable {
  /** Empty at first. */
  readonly path: string;
  readonly traits: FolderTraits;
  /** Paths for two files: the sidecar, and the lines of its records that are written while an image is read. */
  readonly lines: string;
  readonly records: string;
  /** The permission bits that the folder itself may have, made of these. */
  restrict(inputs: readonly FileAccess[]): Promise<number>;
  /** Removes everything that was written so far. */
  clear(): Promise<void>;
  /** Renames both to their final names; the path of the sidecar. `inputs`: who may read the image. */
  publish(inputs: readonly FileAccess[]): Promise<string>;
  /** The path of a new folder inside. */
  makeInside(name: string): Promise<string>;
  /** Renames the folder to its final name, without a sidecar. */
  publishAlone(inputs: readonly FileAccess[]): Promise<void>;
}

/** Errors (`invalid`): `output-exists` for anything but a free name or an empty folder, `output-unwritable`. */
export async function createNewFolder(destination: string): Promise<NewFolder> {
  await assertFree(destination);
  await removeAbandoned(dirname(destination), 'output');
  const refuse = (cause: NodeJS.ErrnoException) => {
    throw cause instanceof MobyPatchError ? cause : createWriteError(destination, cause);
  };
  const scratch = await createPrivateFolder(dirname(destination), 'output').catch(refuse);
  const [path, lines, records] = ['root', 'lines', 'records'].map((name) => join(scratch.path, name)) as [
    string,
    string,
    string,
  ];
  try {
    await mkdir(path, 0o700).catch(refuse);
    const traits = await probeFolder(path);
    if (!traits.keepsModes) throw createPlainError(destination);
    return {
      path,
      traits,
      lines,
      records,
      restrict: (inputs) => restrictFolder(path, inputs),
      async clear() {
        await removeTree(path);
        await rm(lines, { force: true });
        await rm(records, { force: true });
        await mkdir(path, 0o700).catch(refuse);
      },
      publish: (inputs) => publish({ path, lines }, { destination, inputs }),
      async makeInside(name) {
        await mkdir(join(path, name), 0o755).catch(refuse);
        return join(path, name);
      },
      async publishAlone(inputs) {
        await settleFolder(path, inputs);
        await rename(path, destination).catch(refuse);
      },
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** The sidecar first: a folder without one is taken for a folder that never was an image. */
async function publish(
  { path, lines }: Pick<NewFolder, 'path' | 'lines'>,
  { destination, inputs }: AccessRequest,
): Promise<string> {
  const sidecar = `${destination}${sidecarSuffix}`;
  try {
    await settle(lines, { inputs, destination: sidecar });
    await settleFolder(path, inputs);
    await rename(lines, sidecar);
    await rename(path, destination);
    return sidecar;
  } catch (cause) {
    await rm(sidecar, { force: true });
    throw createWriteError(destination, cause as NodeJS.ErrnoException);
  }
}

async function settleFolder(path: string, inputs: readonly FileAccess[]): Promise<void> {
  const { mode } = await stat(path);
  await chmod(path, mode & ((await restrictFolder(path, inputs)) | 0o1000));
}

async function restrictFolder(path: string, inputs: readonly FileAccess[]): Promise<number> {
  return withoutLists(restrict(inputs, (await stat(path)).gid), inputs, [path]);
}

/** FAT and its like: what is unpacked there would come back as another image. */
function createPlainError(destination: string): MobyPatchError {
  const message = 'cannot make the folder: its file system has no modes and symlinks';
  return new MobyPatchError('invalid', 'output-unwritable', message, {
    path: destination,
    hint: 'unpack to a tar, -o FILE.tar, or to a disk that has them',
  });
}

async function settle(path: string, request: AccessRequest): Promise<void> {
  const file = await openRegular(path, { follow: false });
  try {
    await settleAccess(file, request);
  } finally {
    await file.close();
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
