import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { createUnreadableError, openRegular } from '../../io/file/regular-file.js';
import type { BuildRequest } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';
import { artifactTypes } from '../../registry/artifact.js';
import { createFileBlob } from '../../registry/file-blob.js';
import { configurationName } from '../../setup/configuration.js';
import { mostFiles, type ProjectFile } from './job-plan.js';
import type { JobStore } from './job-store.js';

export interface Project {
  readonly folder: string;
  /** Of the configuration. */
  readonly file: string;
}

/**
 * The files that builds need on another machine: the configuration, patches, images, kernels and disks below the folder of the project. What
 * comes with the program or from a registry is there already. Error (`invalid`): `fleet-outside`.
 */
export async function listProjectFiles(
  { folder, file }: Project,
  requests: readonly BuildRequest[],
  session: ReadingSession,
): Promise<ReadonlyMap<string, string>> {
  const { places } = session;
  const [, , own = ''] = places.patches;
  const files = new Map([[configurationName, file]]);
  const add = async (path: string, what: string) => {
    const inside = relative(folder, path);
    if (inside.startsWith('..') || inside.startsWith(sep)) {
      if (path.startsWith(`${own}${sep}`) || path.startsWith(`${places.cache}${sep}`)) return;
      throw createOutsideError(path, what);
    }
    for (const each of await listBelow(path)) files.set(relative(folder, each).split(sep).join('/'), each);
  };
  for (const { image, wrapped, files: parts, patches, verify } of requests) {
    for (const patch of patches) await add(patch.folder, 'patch');
    for (const path of [wrapped?.path ?? image, ...(parts ?? []).map((part) => part.path)])
      await add(path, 'image');
    if (verify !== undefined && verify.kernelIsPart !== true) await add(verify.kernel, 'kernel');
    for (const path of verify?.disks ?? []) await add(path, 'disk');
  }
  for (const path of await listBelow(join(folder, 'images')).catch(() => []))
    await add(path, 'image definition');
  if (files.size <= mostFiles) return files;
  const message = `found ${files.size} files of patches and images, wanted at most ${mostFiles}`;
  throw new MobyPatchError('invalid', 'fleet-outside', message, {
    path: folder,
    hint: 'put payload into archives',
  });
}

function createOutsideError(path: string, what: string): MobyPatchError {
  const message = `this ${what} is outside of the project, and other machines do not have it`;
  return new MobyPatchError('invalid', 'fleet-outside', message, {
    path,
    hint: 'put it below the folder of moby-patch.yaml, or name an image in a registry: oci://HOST/REPOSITORY',
  });
}

async function listBelow(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const items = await readdir(path, { recursive: true, withFileTypes: true });
  return items.filter((item) => item.isFile()).map((item) => join(item.parentPath ?? item.path, item.name));
}

export interface SendOptions {
  readonly store: JobStore;
  readonly signal: AbortSignal;
}

/** Sends a file unless the registry has it; `path`: its name in the plan. Errors: `push-file`, `registry-*`. */
export async function sendFile(
  path: string,
  from: string,
  { store, signal }: SendOptions,
): Promise<ProjectFile> {
  await using file = await openRegular(from).catch((cause) => {
    throw createUnreadableError(cause, { code: 'push-file', what: 'a file of the project', path: from });
  });
  const { mode } = await file.stat();
  const blob = await createFileBlob(file, artifactTypes.other, signal);
  const { digest, size } = blob.descriptor;
  await store.send(blob);
  return { path, digest, size, executable: (mode & 0o100) !== 0 };
}
