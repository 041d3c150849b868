import { showPath } from '../format/path.js';
import type { Image, ImageEntry } from '../model/archive.js';
import type { Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { ArchiveRecord } from '../model/layout.js';
import type { ReadingSession } from '../model/session.js';
import { type ImageName, openNamedImage } from '../setup/named-image.js';
import { createGlob } from '../tree/glob.js';
import { resolvePath } from '../tree/resolve.js';

export interface EntriesRequest {
  /** A file, the id of an image definition, or `-` for `input`; several files that are one image. */
  readonly image: ImageName;
  readonly input?: NodeJS.ReadableStream | undefined;
}

/**
 * What the running system will see, in the order of the image. `globs`: the paths to list; without any, all. Error
 * (`invalid`): `path-not-found` when globs match nothing.
 */
export async function listEntries(
  { image: name, input, globs }: EntriesRequest & { readonly globs: readonly string[] },
  session: ReadingSession,
): Promise<Entry[]> {
  await using image = await openNamedImage(name, session, { input });
  const matchers = globs.map(createGlob);
  const entries = [...image.entries.values()].filter(
    ({ path }) => matchers.length === 0 || matchers.some((matches) => matches(path)),
  );
  if (globs.length > 0 && entries.length === 0) {
    const message = `found no path that matches ${globs.join(' or ')}`;
    throw new MobyPatchError('invalid', 'path-not-found', message, { path: image.name });
  }
  return entries;
}

/**
 * Every entry, in one pass over the image: directories, symlinks and devices, then files in the order of their
 * bodies. The body of a file can be read once, until the next entry is asked for; that of a further hard link takes
 * a pass of its own.
 */
export async function* entries(
  { image: name, input }: EntriesRequest,
  session: ReadingSession,
): AsyncGenerator<Entry, void, void> {
  await using image = await openNamedImage(name, session, { input });
  const files = new Map<ArchiveRecord, ImageEntry[]>();
  for (const entry of image.entries.values()) {
    const names = entry.type === 'file' ? files.get(entry.data) : undefined;
    if (entry.type !== 'file') yield entry;
    else if (names === undefined) files.set(entry.data, [entry]);
    else names.push(entry);
  }
  for await (const [record, body] of image.bodies(new Set(files.keys()))) {
    const [first, ...links] = files.get(record) ?? [];
    if (first !== undefined) yield { ...first, body: () => body };
    yield* links;
  }
}

/**
 * The body of a regular file; symlinks are followed inside the image. Errors (`invalid`): `path-not-found`,
 * `path-not-file`.
 */
export async function* readImageFile(
  { path, ...request }: EntriesRequest & { readonly path: string },
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  yield* readImageFiles({ ...request, paths: [path] }, session);
}

/** The same for several files, one behind the other. All are looked up before the first is read. */
export async function* readImageFiles(
  { image: name, input, paths }: EntriesRequest & { readonly paths: readonly string[] },
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  await using image = await openNamedImage(name, session, { input });
  const files = paths.map((path) => findFile(image, path));
  for (const file of files) yield* file.body();
}

function findFile(image: Image, path: string): ImageEntry {
  const entry = image.entries.get(resolvePath((at) => image.entries.get(at), path, true) ?? '');
  if (entry?.type === 'file') return entry;
  const code = entry === undefined ? 'path-not-found' : 'path-not-file';
  const what = entry === undefined ? 'nothing' : `a ${entry.type}`;
  throw new MobyPatchError('invalid', code, `found ${what} at ${showPath(path)}, wanted a regular file`, {
    path: image.name,
    hint: `moby-patch ls ${image.name}`,
  });
}
