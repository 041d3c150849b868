import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { encodeLine, sidecarSuffix } from '../format/sidecar.js';
import { createFolder } from '../io/folder.js';
import { createLineFile } from '../io/line-file.js';
import { materialiseImage } from '../io/materialise.js';
import { plainAttributes } from '../io/write-entry.js';
import { MobyPatchError } from '../model/error.js';
import type { Image } from '../model/layout.js';
import type { SidecarLine } from '../model/sidecar.js';
import { chooseKept, probeFolder } from './to-kept.js';
import { describeImage } from './to-sidecar.js';

export interface UnpackedFolder {
  readonly sidecar: string;
  /** Paths of the image that are in the sidecar alone. */
  readonly kept: readonly string[];
}

/**
 * Writes what an image boots into to a new folder, and all that a folder cannot hold to a file beside it.
 * Both appear at the end, whole, or not at all. Errors (`invalid`): `output-exists` for anything but a free
 * name or an empty folder, `output-unwritable`; and those of reading the image.
 */
export async function unpackToFolder(
  image: Image,
  destination: string,
  signal: AbortSignal,
): Promise<UnpackedFolder> {
  await assertFree(destination);
  const suffix = `moby-patch-${process.pid}-${randomBytes(4).toString('hex')}`;
  const folder = join(dirname(destination), `.${basename(destination)}.${suffix}`);
  const lines = `${folder}.jsonl`;
  const sidecar = `${destination}${sidecarSuffix}`;
  try {
    await mkdir(folder, 0o700).catch((cause) => Promise.reject(createWriteError(destination, cause)));
    const kept = chooseKept(image.entries.values(), await probeFolder(folder));
    await writeBoth(image, folder, lines, kept, signal);
    signal.throwIfAborted();
    await publish(folder, destination, lines, sidecar);
    return { sidecar, kept: [...kept] };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(lines, { force: true });
  }
}

async function writeBoth(
  image: Image,
  folder: string,
  lines: string,
  kept: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const output = createLineFile(lines, 0o644);
  try {
    const write = (line: SidecarLine) => output.write(encodeLine(line));
    const shown = new Map([...image.entries].filter(([path]) => !kept.has(path)));
    const bodies = () => describeImage({ image, kept, emit: write });
    await materialiseImage(
      { ...image, entries: shown, bodies },
      createFolder(folder),
      signal,
      plainAttributes,
    );
  } finally {
    output.close();
  }
}

/** The sidecar first: a folder without it would be taken for one that never was an image. */
async function publish(folder: string, destination: string, lines: string, sidecar: string): Promise<void> {
  try {
    await rename(lines, sidecar);
    await rename(folder, destination);
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
