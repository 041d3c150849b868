import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findImage, listDefinitions } from '../catalog/find-image.js';
import type { Patch } from '../model/patch.js';
import { findPatch, listPatches } from '../patch/language/find-patches.js';
import { loadPatch } from '../patch/language/load-patch.js';
import { checkSettings, resolveParameters } from '../patch/language/parameters.js';
import { parsePatch } from '../patch/language/parse-patch.js';
import { refuseStart } from '../unpack/scan.js';
import { locatePatch, parseSettings } from './build-request.js';
import { type CommandContext, findPlaces, type Places } from './context.js';
import type { InitFlags } from './init.js';
import { printJson, printLines } from './print.js';
import { createConfigurationText, createPatchText, exampleId } from './project-text.js';
import { type ProjectFile, writeProject } from './write-project.js';

interface ChosenImage {
  readonly name: string;
  /** What boots it, as far as it is known without an option. */
  readonly kernel?: string | undefined;
  /** What is left to do before a build can find and boot it; undefined: nothing. */
  readonly lacks?: string | undefined;
}

/** Errors (`invalid`): `init-exists`, those of `findImage` and of patches and their settings; nothing is written then. */
export async function runInit(flags: InitFlags, context: CommandContext): Promise<void> {
  const places = findPlaces(context, context.folder);
  const image = await chooseImage(flags, places, context);
  const settings = parseSettings(flags.set ?? []);
  const ids = [...(await listPatches(places.patches)).keys()].filter((id) => id !== exampleId);
  const example = flags.patch === undefined ? createPatchText(places.schemas, context.folder) : undefined;
  const patches =
    example === undefined ? await loadPatches(flags.patch ?? [], places, context) : [parseExample(example)];
  checkSettings(patches, settings);
  for (const patch of patches) resolveParameters(patch, settings);
  const configuration = createConfigurationText({
    folder: context.folder,
    schemas: places.schemas,
    image: image.name,
    images: [...(await listDefinitions(places.images)).keys()],
    kernel: flags.kernel,
    found: image.kernel,
    patches: flags.patch ?? [exampleId],
    ids,
    parameters: patches.flatMap(({ parameters }) => Object.entries(parameters)),
    settings,
    output: flags.output,
  });
  // The configuration last: where it is, all that it names is there too.
  const files: ProjectFile[] = [
    ...(example === undefined ? [] : [{ path: `patches/${exampleId}/patch.yaml`, text: example }]),
    { path: 'moby-patch.yaml', text: configuration },
  ];
  const isForced = flags.force ?? false;
  const written = await writeProject(files, { isForced, isDry: flags.dryRun ?? false }, context);
  const next = image.lacks ?? 'moby-patch build';
  if (flags.json) {
    const files = written.map(({ path, state, text }) =>
      flags.dryRun ? { path, state, text } : { path, state },
    );
    return printJson(context, { image: image.name, files, next });
  }
  for (const { path, state, text } of written) {
    const lines = flags.dryRun ? text.trimEnd().split('\n').map(indent) : [];
    await printLines(context, [`${path}: ${state}`, ...lines]);
  }
  await printLines(context, [`next: ${next}`]);
}

async function chooseImage(flags: InitFlags, places: Places, context: CommandContext): Promise<ChosenImage> {
  const { folder, signal } = context;
  const wanted = flags.image ?? (await findImageBeside(folder, basename(flags.output)));
  if (wanted === undefined)
    return {
      name: 'initrd.img',
      lacks: 'put the stock image here as initrd.img, or name it in moby-patch.yaml',
    };
  // What a recipe makes takes minutes, and is not needed to write its name.
  if ((await listDefinitions(places.images)).has(wanted)) return { name: wanted };
  const { images: roots, home } = places;
  const cache = join(places.cache, 'images');
  const log = (line: string) => context.stderr.write(`${line}\n`);
  const { initrd, kernel } = await findImage(wanted, { roots, home, folder, cache, signal, log });
  await assertImage(initrd, wanted);
  const lacks =
    kernel === undefined && flags.kernel === undefined
      ? 'name the kernel that boots it (kernel: in moby-patch.yaml), or moby-patch build --no-verify'
      : undefined;
  return { name: wanted, kernel: kernel === undefined ? undefined : basename(kernel), lacks };
}

/** A kernel, say, is told now and not by the first build. Error (`invalid`): `image-invalid`. */
async function assertImage(path: string, name: string): Promise<void> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
  const problem = refuseStart(buffer.subarray(0, bytesRead), name);
  if (problem !== undefined) throw problem;
}

/** The first by name; not what a build put there. */
async function findImageBeside(folder: string, output: string): Promise<string | undefined> {
  const found = await readdir(folder, { withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && entry.name !== output)
    .map(({ name }) => name)
    .filter(
      (name) => /^(initrd|initramfs)/.test(name) && !/patched|\.(json|log|lock|md|txt|yaml)$/.test(name),
    )
    .sort()[0];
}

function loadPatches(
  names: readonly string[],
  { patches: roots }: Places,
  { folder }: CommandContext,
): Promise<Patch[]> {
  return Promise.all(names.map(async (name) => loadPatch(await findPatch(locatePatch(name, folder), roots))));
}

function parseExample(text: string): Patch {
  const { patch } = parsePatch(text, { id: exampleId, folder: '', file: '' });
  if (patch === undefined) throw new Error('the example is a patch');
  return patch;
}

function indent(line: string): string {
  return line === '' ? '' : `  ${line}`;
}
