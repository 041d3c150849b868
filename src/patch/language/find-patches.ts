import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MobyPatchError } from '../../model/error.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { patchFile } from './load-patch.js';

/**
 * The folder that is meant by `nameOrFolder`. With a slash or a leading dot it is a folder; any
 * other word is an id, looked up in each of `roots` in turn, and then taken for a folder.
 */
export async function findPatch(nameOrFolder: string, roots: readonly string[]): Promise<string> {
  const isId = !/[/\\]/.test(nameOrFolder) && !nameOrFolder.startsWith('.');
  const candidates = [...(isId ? roots.map((root) => join(root, nameOrFolder)) : []), resolve(nameOrFolder)];
  for (const candidate of candidates) if (await isPatch(candidate)) return candidate;
  const ids = await listPatches(roots);
  const known = [...ids.keys()];
  throw new MobyPatchError(
    'invalid',
    'patch-unknown',
    `patch ${nameOrFolder}: found no ${patchFile} in ${candidates.join(', ')}${isId ? suggest(nameOrFolder, known) : ''}`,
    {
      hint: known.length > 0 ? `the patches with an id are: ${known.join(', ')}` : undefined,
      path: nameOrFolder,
    },
  );
}

/** Every id with its folder; the first root that has it counts. Sorted by id. */
export async function listPatches(roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const root of roots) {
    for (const name of await readNames(root)) {
      if (!found.has(name) && (await isPatch(join(root, name)))) found.set(name, join(root, name));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function isPatch(folder: string): Promise<boolean> {
  return stat(join(folder, patchFile)).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function readNames(root: string): Promise<string[]> {
  return readdir(root).catch((error: NodeJS.ErrnoException) => {
    // Not everybody has a folder of patches.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
