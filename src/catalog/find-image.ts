import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { refuseForeign } from '../compress/foreign.js';
import { detectKernelImage } from '../format/kind/kernel-magic.js';
import { openInputFile } from '../io/file/input-file.js';
import { openRegular } from '../io/file/regular-file.js';
import type { ApplicationCommands } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { WrappedImage } from '../model/image/wrapper.js';
import { suggest } from '../yaml/did-you-mean.js';
import { chooseCandidate } from './candidates.js';
import type { Definition } from './definition.js';
import { readVersion } from './installed-version.js';
import { makeImage, type RecipeOptions } from './recipe.js';

/** An image, and what its definition says of how it boots. Paths are absolute. */
export interface FoundImage {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  readonly initrd: string;
  /** `initrd` is a file with the initrd inside. */
  readonly wrapped?: WrappedImage | undefined;
  readonly kernel?: string | undefined;
  readonly cmdline: string;
  /** MiB; absent: chosen by the size of the image. */
  readonly memory?: number | undefined;
  /** Regular expressions of console lines that a good boot shows. */
  readonly expect: readonly string[];
  /** Which of the definition's installations it is. */
  readonly generation?: string | undefined;
  /** The version of what installed the image: the application, the kernel package. */
  readonly version?: string | undefined;
  readonly application?: ApplicationCommands | undefined;
  /** The images of older versions, newest first; absent where an upgrade does not change the name. */
  readonly older?: readonly string[] | undefined;
}

export interface FindOptions extends RecipeOptions {
  /** Folders with definitions; the first that has an id wins. */
  readonly roots: readonly string[];
  readonly home: string;
  /** Relative paths begin here. */
  readonly folder: string;
  /** Whether a file with an initrd inside is accepted; default: only an initrd is. */
  readonly mayWrap?: boolean;
  /** Refuse an image that a recipe makes: nothing boots from it, and other builds start from it. */
  readonly installed?: boolean;
}

/**
 * Finds the image behind an id or a path; an image with a recipe is made on first use. Errors (`invalid`):
 * `image-unknown`, `image-not-installed`, `image-not-installable`, `image-unsupported`, those of `loadDefinition`
 * and of `makeImage`.
 */
export async function findImage(name: string, options: FindOptions): Promise<FoundImage> {
  const definitions = /^[\w.-]+$/.test(name) ? await listDefinitions(options.roots) : new Map();
  const file = definitions.get(name);
  if (file !== undefined) {
    // Its schema needs zod, which takes longer to load than most commands run.
    const { loadDefinition } = await import('./definition.js');
    return locate({ name, file, definition: await loadDefinition(file) }, options);
  }
  const initrd = resolve(options.folder, name);
  const found = await stat(initrd).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    await (await openInputFile(initrd, name))[Symbol.asyncDispose]();
    if (options.mayWrap !== true) await refuseForeign(initrd, name);
    return { name, initrd, kernel: await findKernelBeside(initrd), cmdline: '', expect: [] };
  }
  if (found?.isDirectory()) throw await createFolderError(name, initrd);
  if (name === '-') throw createStreamError();
  const ids = [...(await listDefinitions(options.roots)).keys()];
  throw new MobyPatchError(
    'invalid',
    'image-unknown',
    `found neither a file ${initrd} nor an image definition of this name${suggest(name, ids)}`,
    {
      path: name,
      hint: `ls ${dirname(initrd)}${ids.length > 0 ? `; the images with a definition are: ${ids.join(', ')}` : ''}`,
    },
  );
}

/** What is built, booted and locked is read more than once. */
function createStreamError(): MobyPatchError {
  const message = 'found -, wanted a file: standard input is for inspect, ls, cat, diff and unpack';
  return new MobyPatchError('invalid', 'image-unknown', message, {
    hint: 'cat > initrd.img, then -i initrd.img',
  });
}

async function createFolderError(name: string, folder: string): Promise<MobyPatchError> {
  const names = await readdir(folder).catch((): string[] => []);
  const initrd = names.filter((each) => /^(initrd|initramfs)/.test(each)).sort()[0];
  const hint = names.includes('patch.yaml')
    ? `it is a patch: -i IMAGE -p ./${name}`
    : initrd === undefined
      ? `give the file of an image; of a folder that unpack wrote: moby-patch repack ${name} -o initrd.img`
      : `-i ${join(name, initrd)}`;
  const message = 'found a folder, wanted the file of an image';
  return new MobyPatchError('invalid', 'image-unreadable', message, { path: name, hint });
}

/** Every id with its file, sorted by id. */
export async function listDefinitions(roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const root of roots) {
    const names = await readdir(root).catch(() => []);
    for (const name of names.filter((each) => each.endsWith('.yaml'))) {
      const id = basename(name, '.yaml');
      if (!files.has(id)) files.set(id, join(root, name));
    }
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface LoadedDefinition {
  /** The id. */
  readonly name: string;
  readonly file: string;
  readonly definition: Definition;
}

async function locate(
  { name, file, definition }: LoadedDefinition,
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
  const candidate = await chooseCandidate(definition, { name, place });
  const initrd = place(candidate.initrd);
  const version = candidate.version ?? definition.version;
  if (options.mayWrap !== true) await refuseForeign(initrd, initrd);
  if (definition.tried === false)
    options.log(`the definition ${name} was written from public facts and has never been tried`);
  return {
    name,
    initrd,
    kernel: candidate.kernel === undefined ? undefined : place(candidate.kernel),
    cmdline: candidate.cmdline ?? definition.cmdline,
    memory: definition.memory,
    expect: candidate.expect ?? definition.expect,
    generation: candidate.generation,
    version:
      version === undefined ? undefined : await readVersion(version, { place, signal: options.signal }),
    application: candidate.application ?? definition.application,
    older: candidate.older?.map(place),
  };
}

const kernelNames = /^(vmlinu[xz]|linux|bzImage|kernel|Image)/;

/**
 * The kernel beside an image: the one of the same version if the image's name has one (`initrd.img-6.1.0` and
 * `vmlinuz-6.1.0`), otherwise the only one in the folder. Undefined when there is none, or no way to tell which.
 */
export async function findKernelBeside(initrd: string): Promise<string | undefined> {
  const folder = dirname(initrd);
  const names = (await readdir(folder)).filter((name) => kernelNames.test(name) && name !== basename(initrd));
  const version = /\d+\.\d+.*$/.exec(basename(initrd))?.[0].replace(/\.img$/, '');
  const sameVersion = version === undefined ? [] : names.filter((name) => name.endsWith(version));
  const kernels: string[] = [];
  for (const name of sameVersion.length > 0 ? sameVersion : names) {
    if (await isKernel(join(folder, name))) kernels.push(join(folder, name));
  }
  return kernels.length === 1 ? kernels[0] : undefined;
}

async function isKernel(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  await using file = await openRegular(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
  return detectKernelImage(buffer.subarray(0, bytesRead)) !== undefined;
}
