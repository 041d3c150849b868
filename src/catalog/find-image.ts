import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ApplicationCommands } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import { suggest } from '../yaml/did-you-mean.js';
import type { Definition } from './definition.js';
import { explainDisk } from './disk-format.js';
import { type Expanded, expandStar } from './expand-star.js';
import { findKernelBeside } from './find-kernel.js';
import { readVersion } from './installed-version.js';
import { makeImage, type RecipeOptions } from './recipe.js';

/** An image with all that is known of how it boots. */
export interface FoundImage {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  readonly initrd: string;
  readonly kernel?: string | undefined;
  readonly cmdline: string;
  /** MiB; absent: by the image's size. */
  readonly memory?: number | undefined;
  readonly expect: readonly string[];
  /** Which of a definition's installations it is. */
  readonly generation?: string | undefined;
  /** Of what brought the image: the application, the kernel package. */
  readonly version?: string | undefined;
  readonly application?: ApplicationCommands | undefined;
  /** The images of older versions, the newest first; absent where an upgrade does not change the name. */
  readonly older?: readonly string[] | undefined;
}

export interface FindOptions extends RecipeOptions {
  /** Folders with definitions, the first that has an id counts. */
  readonly roots: readonly string[];
  readonly home: string;
  /** Where a relative path starts. */
  readonly folder: string;
  /** Refuse what a recipe makes: nothing boots from it, and other builds start from it. */
  readonly installed?: boolean;
}

/**
 * Finds the image behind an id or a path; one with a recipe is made if it has not been yet. Errors:
 * `image-unknown`, `image-not-installed`, `image-not-installable`, `image-unsupported`, `definition-invalid` and
 * those of the recipe.
 */
export async function findImage(name: string, options: FindOptions): Promise<FoundImage> {
  const file = /^[\w.-]+$/.test(name) ? await findDefinition(name, options.roots) : undefined;
  if (file !== undefined) {
    const { loadDefinition } = await import('./load-definition.js');
    return locate(name, file, await loadDefinition(file), options);
  }
  if (await isFile(resolve(options.folder, name))) {
    const initrd = resolve(options.folder, name);
    await refuseDisk(initrd);
    return { name, initrd, kernel: await findKernelBeside(initrd), cmdline: '', expect: [] };
  }
  const ids = [...(await listDefinitions(options.roots)).keys()];
  throw new MobyPatchError(
    'invalid',
    'image-unknown',
    `found neither a file ${resolve(options.folder, name)} nor an image definition of this name${suggest(name, ids)}`,
    {
      path: name,
      hint: ids.length > 0 ? `the images with a definition are: ${ids.join(', ')}` : undefined,
    },
  );
}

/** Every id with its file, sorted. */
export async function listDefinitions(roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const root of roots) {
    const names = await readdir(root).catch(() => []);
    for (const name of names.filter((each) => each.endsWith('.yaml'))) {
      const id = basename(name, '.yaml');
      if (!found.has(id)) found.set(id, join(root, name));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function findDefinition(id: string, roots: readonly string[]): Promise<string | undefined> {
  return (await listDefinitions(roots)).get(id);
}

async function locate(
  name: string,
  file: string,
  definition: Definition,
  options: FindOptions,
): Promise<FoundImage> {
  if (options.installed && definition.recipe !== undefined) {
    throw new MobyPatchError('invalid', 'image-not-installable', 'this image is made here, not installed', {
      path: name,
      hint: `moby-patch build -i ${name}`,
    });
  }
  const folder =
    definition.recipe === undefined
      ? dirname(file)
      : await makeImage(resolve(dirname(file), definition.recipe), options);
  const place = (path: string) => resolve(folder, path.replace(/^~(?=\/)/, options.home));
  const candidate = await chooseCandidate(name, definition, place);
  const { initrd, kernel, cmdline, expect, generation, older } = candidate;
  const version = candidate.version ?? definition.version;
  await refuseDisk(place(initrd));
  if (definition.tried === false)
    options.log(`the definition ${name} was written from public facts and has never been tried`);
  return {
    name,
    initrd: place(initrd),
    kernel: kernel === undefined ? undefined : place(kernel),
    cmdline: cmdline ?? definition.cmdline,
    memory: definition.memory,
    expect: expect ?? definition.expect,
    generation: generation === '' ? undefined : generation,
    version: version === undefined ? undefined : await readVersion(version, place, options.signal),
    application: candidate.application ?? definition.application,
    older: older?.map(place),
  };
}

async function chooseCandidate(
  name: string,
  definition: Definition,
  place: (path: string) => string,
): Promise<Expanded & { initrd: string }> {
  const { initrd, kernel, candidates = [] } = definition;
  if (initrd !== undefined) return { generation: '', initrd, kernel };
  for (const pattern of candidates) {
    const candidate = await expandStar(pattern, place);
    if (candidate?.initrd === undefined || !(await isFile(place(candidate.initrd)))) continue;
    if (candidate.unsupported !== undefined) {
      throw new MobyPatchError(
        'invalid',
        'image-unsupported',
        `found an image of ${candidate.generation}: ${candidate.unsupported}`,
        { path: place(candidate.initrd) },
      );
    }
    return { ...candidate, initrd: candidate.initrd };
  }
  const looked = candidates.flatMap((candidate) => candidate.initrd ?? []).join(', ');
  throw new MobyPatchError(
    'invalid',
    'image-not-installed',
    `found no image of ${definition.title}; looked for ${looked}`,
    {
      path: name,
      hint: 'give the path of the image: -i FILE',
    },
  );
}

/** A path may name anything; a disk that holds an initrd, or replaces one, is told by name. */
async function refuseDisk(path: string): Promise<void> {
  const reason = await explainDisk(path);
  if (reason === undefined) return;
  throw new MobyPatchError('invalid', 'image-unsupported', `found ${reason}`, { path });
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
