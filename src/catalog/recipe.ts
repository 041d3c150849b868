import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { runProcess } from '../io/process.js';
import { MobyPatchError } from '../model/error.js';

export interface RecipeOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** A folder for images that were made; each has a folder of its own in it. */
  readonly cache: string;
}

/** Seconds; a recipe installs a whole distribution. */
const recipeTimeout = 1800;

/**
 * The folder with the output of a recipe. It runs once; its output is cached under a hash of all files in the
 * recipe's folder. Error (`infrastructure`): `recipe-failed`, with the last lines that the recipe printed.
 */
export async function makeImage(recipe: string, options: RecipeOptions): Promise<string> {
  const id = await hashFolder(dirname(recipe));
  const made = join(options.cache, id);
  if (await exists(made)) return made;
  const making = `${made}.making-${process.pid}`;
  await mkdir(making, { recursive: true });
  try {
    options.log(`making the image with ${basename(dirname(recipe))}/${basename(recipe)}, which happens once`);
    const { exitCode, output } = await runProcess(['/bin/sh', recipe, making], {
      signal: options.signal,
      timeout: recipeTimeout,
      onLine: options.log,
    });
    if (exitCode !== 0) throw createRecipeError(recipe, exitCode, output);
    await rename(making, made);
    return made;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
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
    const content = await readFile(path);
    hash.update(`${relative(folder, path)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 24);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
