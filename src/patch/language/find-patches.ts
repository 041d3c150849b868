import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { patchFile } from './load-patch.js';

/**
 * The folder of a patch. A name with a slash or a leading dot is a folder. Any other name is an id, which is looked up
 * in each of `roots` in turn, and then a folder; `FOLDER/patch.yaml` names the folder. Error (`invalid`): `patch-unknown`.
 */
export async function findPatch(nameOrFolder: string, roots: readonly string[]): Promise<string> {
  if (basename(nameOrFolder) === patchFile && (await isPatch(dirname(nameOrFolder))))
    return resolve(dirname(nameOrFolder));
  const isId = !/[/\\]/.test(nameOrFolder) && !nameOrFolder.startsWith('.');
  const named = isId ? roots.map((root) => join(root, nameOrFolder)) : [];
  const candidates = [...new Set([...named, resolve(nameOrFolder)])];
  for (const candidate of candidates) if (await isPatch(candidate)) return candidate;
  const ids = [...(await listPatches(roots)).keys()];
  const folder = nameOrFolder.replace(/\.ya?ml$/, '');
  const isFile = (await stat(resolve(nameOrFolder)).catch(() => undefined))?.isFile() ?? false;
  const inside = isId || isFile ? [] : [...(await listPatches([resolve(nameOrFolder)])).keys()];
  throw new MobyPatchError(
    'invalid',
    'patch-unknown',
    `patch ${nameOrFolder}: found no ${patchFile} in ${candidates.join(', ')}${isId ? suggest(nameOrFolder, ids) : ''}`,
    {
      hint: isFile
        ? `a patch is a folder: mkdir ${folder} && mv ${nameOrFolder} ${join(folder, patchFile)}`
        : hintAtPatches(nameOrFolder, inside),
      path: nameOrFolder,
    },
  );
}

/** Patches of a folder that a message names. */
const mostNamed = 5;

function hintAtPatches(folder: string, inside: readonly string[]): string {
  if (inside.length === 0)
    return 'moby-patch patches lists those with an id; moby-patch init writes an example';
  const named = inside.slice(0, mostNamed).map((id) => (folder === '.' ? `./${id}` : join(folder, id)));
  const more = inside.length > mostNamed ? ` and ${inside.length - mostNamed} more` : '';
  return `name a patch in it: ${named.join(', ')}${more}; moby-patch check without a name takes all of the working folder`;
}

/** Id -> folder, sorted by id. Of several roots that have an id, the first counts. */
export async function listPatches(roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folders = new Map<string, string>();
  for (const root of roots) {
    for (const name of await readNames(root)) {
      if (!folders.has(name) && (await isPatch(join(root, name)))) folders.set(name, join(root, name));
    }
  }
  return new Map([...folders].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A patch file that is a FIFO counts: loading it says so. */
async function isPatch(folder: string): Promise<boolean> {
  return stat(join(folder, patchFile)).then(
    (found) => !found.isDirectory(),
    () => false,
  );
}

async function readNames(root: string): Promise<string[]> {
  return readdir(root).catch((error: NodeJS.ErrnoException) => {
    // A root need not exist: the user's own folder of patches is optional.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
