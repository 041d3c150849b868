import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { loadDefinition } from '../../catalog/definition.js';
import { listDefinitions } from '../../catalog/find-image.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Patch } from '../../model/patch/patch.js';
import type { ReadingSession } from '../../model/session.js';
import { findPatch, listPatches } from '../../patch/language/find-patches.js';
import { findWarnings } from '../../patch/language/find-warnings.js';
import { loadPatch, patchFile } from '../../patch/language/load-patch.js';
import { addUsed, findConflicts } from '../../patch/language/used-patches.js';
import { configurationName } from '../../setup/configuration.js';
import { locatePatch } from '../../setup/named-patches.js';
import { assertOwnConfiguration } from '../../setup/own-configuration.js';
import type { Problem } from '../../yaml/problems.js';
import { checkConfiguration } from './check-configuration.js';
import { type CheckedFile, explainError, type Finding, toChecked, toFinding } from './findings.js';

export interface CheckRequest {
  /** Folders or ids of patches, or the configuration file. None: all that is found. */
  readonly named: readonly string[];
  /** Whether warnings are errors. */
  readonly strict?: boolean | undefined;
}

/**
 * Checks the named patches; without any, the patches of the working folder and of the user, all image definitions and
 * the configuration with its patches. Error (`invalid`): `nothing-to-check`.
 */
export async function check(
  { named, strict = false }: CheckRequest,
  { places }: ReadingSession,
): Promise<readonly CheckedFile[]> {
  await assertOwnConfiguration(places);
  const results = new Map<string, CheckedFile>();
  const add = async (kind: CheckedFile['kind'], file: string, look: () => Promise<readonly Problem[]>) => {
    if (results.has(resolve(file))) return;
    results.set(resolve(file), toChecked(kind, file, await collect(file, look, strict)));
  };
  const addPatch = (folder: string) =>
    add('patch', join(folder, patchFile), () => checkPatch(folder, places.patches));
  const addConfiguration = (folder: string) =>
    add('configuration', join(folder, configurationName), () => checkConfiguration(folder, places));
  for (const name of named) {
    if (basename(name) === configurationName) await addConfiguration(dirname(resolve(places.folder, name)));
    else await addNamed(name, { addPatch, add, roots: places.patches, from: places.folder });
  }
  if (named.length > 0) return [...results.values()];
  for (const folder of await findFolders(places)) await addPatch(folder);
  // What comes with the program was checked when it was made.
  for (const file of (await listDefinitions(places.images.slice(0, -1))).values())
    await add('image', file, () => loadDefinition(file).then(() => []));
  if (await isFile(join(places.folder, configurationName))) await addConfiguration(places.folder);
  if (results.size === 0) throw createNothingError(places.folder);
  return [...results.values()];
}

interface FindingSink {
  readonly addPatch: (folder: string) => Promise<void>;
  readonly add: (
    kind: CheckedFile['kind'],
    file: string,
    look: () => Promise<readonly Problem[]>,
  ) => Promise<void>;
  readonly roots: readonly string[];
  /** Where a relative path begins. */
  readonly from: string;
}

/** A name that leads to no patch is a finding, so that the others are checked, too. */
async function addNamed(name: string, { addPatch, add, roots, from }: FindingSink): Promise<void> {
  const folder = await findPatch(locatePatch(name, from), roots).catch((error: unknown) => error);
  if (typeof folder === 'string') await addPatch(folder);
  else await add('patch', name, () => Promise.reject(folder));
}

/** Of the working folder: itself, its folders, and `patches/`; then those of the user. */
async function findFolders({ folder, patches }: ReadingSession['places']): Promise<readonly string[]> {
  const own = (await isFile(join(folder, patchFile))) ? [folder] : [];
  const listed = await listPatches([folder]);
  const known = await listPatches(patches.slice(0, -1));
  return [...own, ...listed.values(), ...known.values()];
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => !found.isDirectory(),
    () => false,
  );
}

/** Errors: `patch-invalid` with all problems. The result has the warnings. */
async function checkPatch(folder: string, roots: readonly string[]): Promise<readonly Problem[]> {
  const patch: Patch = await loadPatch(folder);
  const { patches, problems } = await addUsed([patch], roots);
  // Those of another file belong to the check of that file.
  const own = problems.filter(({ at }) => at.file === patch.file);
  return [...own, ...findConflicts(patches), ...(await findWarnings(patch))];
}

async function collect(
  file: string,
  look: () => Promise<readonly Problem[]>,
  isStrict: boolean,
): Promise<readonly Finding[]> {
  try {
    return (await look()).map((problem) => toFinding(problem, isStrict));
  } catch (error) {
    return explainError(error, file, isStrict);
  }
}

function createNothingError(folder: string): MobyPatchError {
  const message = `found no patch, no image definition and no ${configurationName} in ${folder}`;
  return new MobyPatchError('invalid', 'nothing-to-check', message, {
    path: folder,
    hint: 'moby-patch check PATCH..., or moby-patch init to begin a project here',
  });
}
