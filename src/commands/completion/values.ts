import { type CommandContext, createReader } from '../shared/context.js';
import type { Candidate, ValueKind } from './words.js';

interface Listed {
  readonly candidates: readonly Candidate[];
  /** What the shell adds: see `printCompletions`. */
  readonly extra: string;
}

/** The values of a kind that can be listed, as they are now, in this folder. `patches`: those that are named. */
export async function listValues(
  kind: ValueKind | undefined,
  patches: readonly string[],
  context: CommandContext,
): Promise<Listed> {
  switch (kind) {
    case undefined:
      return { candidates: [], extra: '' };
    case 'files':
    case 'folders':
      return { candidates: [], extra: kind };
    case 'image':
      return { candidates: await listImages(context), extra: 'files' };
    case 'patch':
      return { candidates: await listPatchIds(context), extra: 'folders' };
    case 'codec':
      return { candidates: await listCodecs(), extra: '' };
    case 'setting':
      return { candidates: await listSettings(patches, context), extra: 'nospace' };
  }
}

async function listImages(context: CommandContext): Promise<Candidate[]> {
  const { listDefinitions } = await import('../../catalog/find-image.js');
  const ids = await listDefinitions(createReader({}, context).places.images);
  return [...ids.keys()].filter(isPlain).map((value) => ({ value, description: 'image definition' }));
}

async function listPatchIds(context: CommandContext): Promise<Candidate[]> {
  const { listPatches } = await import('../../patch/language/find-patches.js');
  const ids = await listPatches(createReader({}, context).places.patches);
  return [...ids.keys()].filter(isPlain).map((value) => ({ value, description: 'patch' }));
}

async function listCodecs(): Promise<Candidate[]> {
  const { writableCodecs } = await import('../../compress/compression.js');
  return writableCodecs.map((value) => ({ value, description: 'compression' }));
}

/** The parameters of the patches that are named, or else of those of moby-patch.yaml. */
async function listSettings(named: readonly string[], context: CommandContext): Promise<Candidate[]> {
  const { findPatch } = await import('../../patch/language/find-patches.js');
  const { loadPatch } = await import('../../patch/language/load-patch.js');
  const { loadConfiguration } = await import('../../setup/configuration.js');
  const roots = createReader({}, context).places.patches;
  const names =
    named.length > 0 ? named : ((await loadConfiguration(context.folder, undefined)).values.patches ?? []);
  const patches = await Promise.all(names.map(async (name) => loadPatch(await findPatch(name, roots))));
  return patches
    .flatMap(({ parameters }) => Object.entries(parameters))
    .map(([name, { description }]) => ({ value: `${name}=`, description: toLine(description) }));
}

/** A shell would have to quote other names, and each in its own way: nobody gives such ids. */
function isPlain(id: string): boolean {
  return /^[\w.+@-]+$/.test(id);
}

/** A patch may be anybody's: its words must not become lines or move a cursor. */
function toLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\x00-\x20\x7f-\x9f]+/g, ' ').trim();
}
