import type { ReadingSession } from '../../model/session.js';
import type { Candidate, ValueKind } from './words.js';

interface ListedValues {
  readonly candidates: readonly Candidate[];
  /** What the shell adds: '', `files`, `folders` or `nospace`. */
  readonly extra: string;
}

/** The values of a kind that can be listed. `patches`: those that the command line names. */
export async function listValues(
  kind: ValueKind | undefined,
  patches: readonly string[],
  session: ReadingSession,
): Promise<ListedValues> {
  switch (kind) {
    case undefined:
      return { candidates: [], extra: '' };
    case 'files':
    case 'folders':
      return { candidates: [], extra: kind };
    case 'image':
      return { candidates: await listImages(session), extra: 'files' };
    case 'patch':
      return { candidates: await listPatchIds(session), extra: 'folders' };
    case 'target':
      return { candidates: await listTargets(session), extra: '' };
    case 'codec':
      return { candidates: await listCodecs(), extra: '' };
    case 'setting':
      return { candidates: await listSettings(patches, session, { secret: false }), extra: 'nospace' };
    case 'secret':
      return { candidates: await listSettings(patches, session, { secret: true }), extra: 'nospace' };
  }
}

async function listImages(session: ReadingSession): Promise<Candidate[]> {
  const { listDefinitions } = await import('../../catalog/find-image.js');
  const ids = await listDefinitions(session.places.images);
  return [...ids.keys()].filter(isPlain).map((value) => ({ value, description: 'image definition' }));
}

async function listPatchIds(session: ReadingSession): Promise<Candidate[]> {
  const { listPatches } = await import('../../patch/language/find-patches.js');
  const ids = await listPatches(session.places.patches);
  return [...ids.keys()].filter(isPlain).map((value) => ({ value, description: 'patch' }));
}

/** Of moby-patch.yaml in this folder. */
async function listTargets({ places }: ReadingSession): Promise<Candidate[]> {
  const { loadConfiguration } = await import('../../setup/configuration.js');
  const { expandTargets } = await import('../../setup/targets/expand-targets.js');
  const targets = expandTargets(await loadConfiguration(places.folder, undefined));
  return targets.map(({ name }) => ({ value: name, description: 'target' }));
}

async function listCodecs(): Promise<Candidate[]> {
  const { writableCodecs } = await import('../../compress/compression.js');
  return writableCodecs.map((value) => ({ value, description: 'compression' }));
}

/** The parameters of the named patches; without any, of those in moby-patch.yaml. */
async function listSettings(
  named: readonly string[],
  session: ReadingSession,
  wanted: { readonly secret: boolean },
): Promise<Candidate[]> {
  const { findPatch } = await import('../../patch/language/find-patches.js');
  const { loadPatch } = await import('../../patch/language/load-patch.js');
  const { loadConfiguration } = await import('../../setup/configuration.js');
  const roots = session.places.patches;
  const names =
    named.length > 0
      ? named
      : ((await loadConfiguration(session.places.folder, undefined)).values.patches ?? []);
  const patches = await Promise.all(names.map(async (name) => loadPatch(await findPatch(name, roots))));
  return patches
    .flatMap(({ parameters }) => Object.entries(parameters))
    .filter(([, { secret = false }]) => secret === wanted.secret)
    .map(([name, { description }]) => ({ value: `${name}=`, description: toLine(description) }));
}

/** Other names need quotes, which differ from shell to shell; such ids are not used in practice. */
function isPlain(id: string): boolean {
  return /^[\w.+@-]+$/.test(id);
}

/** A patch is untrusted: its text must not add lines or move the cursor. */
function toLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\x00-\x20\x7f-\x9f]+/g, ' ').trim();
}
