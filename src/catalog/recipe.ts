import { createHash } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { exists } from '../io/file/exists.js';
import { readRegular } from '../io/file/regular-file.js';
import { createScratch, removeAbandoned } from '../io/place/scratch.js';
import { assertOwnFolder } from '../io/place/trust.js';
import { runProcess } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';

export interface RecipeOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** A folder for images that were made; each has a folder of its own in it. */
  readonly cache: string;
}

/** Seconds; a recipe installs a whole distribution. */
const recipeTimeout = 1800;
/** Bytes of a file beside a recipe. */
const largestFile = 64 * 2 ** 20;

/**
 * The folder with the output of a recipe. It runs once; its output is cached under a hash of all files in the
 * recipe's folder. Error (`infrastructure`): `recipe-failed`, with the last lines that the recipe printed.
 */
export async function makeImage(recipe: string, options: RecipeOptions): Promise<string> {
  const instead = 'XDG_CACHE_HOME=DIR names another';
  await assertOwnFolder({ path: options.cache, what: 'a cache of images', instead });
  const id = await hashFolder(dirname(recipe));
  const made = join(options.cache, id);
  if (await exists(made)) return made;
  await mkdir(options.cache, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    const message = `cannot make the folder of the cache: ${cause.code}`;
    const hint = instead;
    throw new MobyPatchError('invalid', 'output-unwritable', message, { path: options.cache, hint, cause });
  });
  await removeAbandoned(options.cache, 'scratch');
  await using scratch = await createScratch(options.cache);
  const making = join(scratch.path, 'made');
  await mkdir(making, 0o755);
  options.log(`making the image with ${basename(dirname(recipe))}/${basename(recipe)}, which happens once`);
  const { exitCode, output } = await runProcess(['/bin/sh', recipe, making], {
    signal: options.signal,
    timeout: recipeTimeout,
    onLine: options.log,
  });
  if (exitCode !== 0) throw createRecipeError(recipe, exitCode, output);
  // Another process may have made the same meanwhile.
  await rename(making, made).catch(async (error) => {
    if (!(await exists(made))) throw error;
  });
  return made;
}

function createRecipeError(recipe: string, exitCode: number, output: string): MobyPatchError {
  const last = output.trimEnd().split('\n').slice(-3).join('\n');
  return new MobyPatchError('infrastructure', 'recipe-failed', `the recipe ended with ${exitCode}: ${last}`, {
    path: recipe,
  });
}

/** A hash of the names and contents of all files below a folder. */
async function hashFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  const paths = files.map((file) => join(file.parentPath ?? file.path, file.name)).sort();
  for (const path of paths) {
    const content = await readRegular(path, largestFile);
    hash.update(`${relative(folder, path)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 24);
}
