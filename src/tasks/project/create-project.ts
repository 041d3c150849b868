import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { listDefinitions } from '../../catalog/find-image.js';
import { openRegular } from '../../io/file/regular-file.js';
import type { Patch } from '../../model/patch/patch.js';
import type { ReadingSession } from '../../model/session.js';
import { findPatch, listPatches } from '../../patch/language/find-patches.js';
import { loadPatch } from '../../patch/language/load-patch.js';
import { assertParameters } from '../../patch/language/parameters.js';
import { parsePatch } from '../../patch/language/parse-patch.js';
import { addUsed } from '../../patch/language/used-patches.js';
import { findNamedImage } from '../../setup/named-image.js';
import { locatePatch } from '../../setup/named-patches.js';
import { refuseStart } from '../../unpack/image-start.js';
import { createProblemError } from '../../yaml/problems.js';
import { createConfigurationText, createPatchText, exampleId } from './project-text.js';
import { type ProjectFile, type WrittenFile, writeProject } from './write-project.js';

export interface ProjectRequest {
  /** The stock image; default: the file initrd* or initramfs* of the folder. */
  readonly image?: string;
  readonly kernel?: string;
  /** Instead of the example. */
  readonly patches?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly output: string;
  /** Replace files that are there already. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export interface CreatedProject {
  readonly image: string;
  readonly files: readonly WrittenFile[];
  /** What to do next, a command where there is one. */
  readonly next: string;
}

interface ChosenImage {
  readonly name: string;
  /** The name of the kernel beside it. */
  readonly kernel?: string | undefined;
  /** What the user has to do before a build can find and boot it; undefined: nothing. */
  readonly lacks?: string | undefined;
}

/**
 * Writes a moby-patch.yaml, and an example patch unless one is named, into the working folder. Errors (`invalid`):
 * `init-exists`, those of `findImage` and of patches and their settings; nothing is written then.
 */
export async function createProject(
  request: ProjectRequest,
  session: ReadingSession,
): Promise<CreatedProject> {
  const { folder, ...places } = session.places;
  const image = await chooseImage(request, session);
  const settings = request.settings ?? {};
  const ids = [...(await listPatches(places.patches)).keys()].filter((id) => id !== exampleId);
  const example = request.patches === undefined ? createPatchText(places.schemas, folder) : undefined;
  const patches =
    example === undefined ? await loadPatches(request.patches ?? [], session) : [parseExample(example)];
  assertParameters(patches, settings);
  const configuration = createConfigurationText({
    folder,
    schemas: places.schemas,
    image: image.name,
    images: [...(await listDefinitions(places.images)).keys()],
    kernel: request.kernel,
    kernelBeside: image.kernel,
    patches: request.patches ?? [exampleId],
    ids,
    parameters: patches.flatMap(({ parameters }) => Object.entries(parameters)),
    settings,
    output: request.output,
  });
  // The configuration last: when it exists, all that it names exists too.
  const files: ProjectFile[] = [
    ...(example === undefined ? [] : [{ path: `patches/${exampleId}/patch.yaml`, text: example }]),
    { path: 'moby-patch.yaml', text: configuration },
  ];
  const options = { isForced: request.force ?? false, isDry: request.dryRun ?? false };
  const written = await writeProject(files, options, session);
  return { image: image.name, files: written, next: image.lacks ?? 'moby-patch build' };
}

async function chooseImage(request: ProjectRequest, session: ReadingSession): Promise<ChosenImage> {
  const { places } = session;
  const wanted = request.image ?? (await findImageBeside(places.folder, basename(request.output)));
  if (wanted === undefined)
    return {
      name: 'initrd.img',
      lacks: 'put the stock image here as initrd.img, or name it in moby-patch.yaml',
    };
  // Its recipe may take minutes, and only its name is needed.
  if ((await listDefinitions(places.images)).has(wanted)) return { name: wanted };
  const { initrd, kernel } = await findNamedImage(wanted, session);
  await assertImage(initrd, wanted);
  const lacks =
    kernel === undefined && request.kernel === undefined
      ? 'name the kernel that boots it (kernel: in moby-patch.yaml), or moby-patch build --no-verify'
      : undefined;
  return { name: wanted, kernel: kernel === undefined ? undefined : basename(kernel), lacks };
}

/** Refuses what is no image (a kernel, say) before the first build does. Error (`invalid`): `image-invalid`. */
async function assertImage(path: string, name: string): Promise<void> {
  await using file = await openRegular(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
  const problem = refuseStart(buffer.subarray(0, bytesRead), name);
  if (problem !== undefined) throw problem;
}

/** The first by name that is not the output of a build. */
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

async function loadPatches(names: readonly string[], { places }: ReadingSession): Promise<readonly Patch[]> {
  const named = await Promise.all(
    names.map(async (name) => loadPatch(await findPatch(locatePatch(name, places.folder), places.patches))),
  );
  const { patches, problems } = await addUsed(named, places.patches);
  if (problems.length > 0) throw createProblemError(problems);
  return patches;
}

function parseExample(text: string): Patch {
  const { patch } = parsePatch(text, { id: exampleId, folder: '', file: '' });
  if (patch === undefined) throw new Error('the example is a patch');
  return patch;
}
