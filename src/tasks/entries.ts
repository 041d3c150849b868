import { open } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { explainForeign } from '../compress/foreign.js';
import { quoteShell } from '../format/kind/file-kind.js';
import { parseShownPath, showPath } from '../format/path.js';
import { openInputFile } from '../io/file/input-file.js';
import { createScratch } from '../io/place/scratch.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ImageEntry } from '../model/image/archive.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import type { ReadingSession } from '../model/session.js';
import { type ImageName, isNamed, openNamedImage } from '../setup/named-image.js';
import { createGlob } from '../tree/glob.js';
import { followEntry } from '../tree/resolve.js';
import { listInner } from '../unpack/inner/list-inner.js';
import { openImage } from '../unpack/open-image.js';
import { selectSegment, type View } from '../unpack/select-segment.js';

export interface EntriesRequest {
  /** A file, the id of an image definition, or `-` for `input`; several files that are one image. */
  readonly image: ImageName;
  readonly input?: NodeJS.ReadableStream | undefined;
}

export interface ListRequest extends EntriesRequest {
  /** The paths to list; without any, all. */
  readonly globs: readonly string[];
  /** Only what this archive brings: an index into the segments of the layout. */
  readonly segment?: number | undefined;
  /** `false`: names and types are enough, which spares programs that are asked for each entry. */
  readonly details?: boolean;
}

/**
 * What the running system will see, in the order of the image; of `IMAGE:PATH` what is in the file at the path: an initrd,
 * a squashfs or an erofs. Errors (`invalid`): `path-not-found` when globs match nothing, `segment-unknown`,
 * `inner-unknown`.
 */
export async function listEntries(request: ListRequest, session: ReadingSession): Promise<Entry[]> {
  const { image: name, input, globs, segment } = request;
  const [only = '', ...others] = [name].flat();
  const inner = others.length === 0 ? await splitInner(only, session) : undefined;
  if (inner !== undefined) return listInnerEntries({ ...request, ...inner }, session);
  await using image = await openNamedImage(name, session, { input });
  const { entries } = segment === undefined ? image : selectSegment(image, segment);
  return selectEntries(entries.values(), { globs, name: image.name });
}

/** The image and the path of `IMAGE:PATH`; undefined where the whole is a name itself, or nothing is one. */
async function splitInner(
  name: string,
  session: ReadingSession,
): Promise<{ readonly image: string; readonly path: string } | undefined> {
  if (!name.includes(':') || (await isNamed(name, session))) return undefined;
  for (let at = name.indexOf(':'); at >= 0; at = name.indexOf(':', at + 1)) {
    const image = name.slice(0, at);
    if (await isNamed(image, session)) return { image, path: name.slice(at + 1) };
  }
  return undefined;
}

async function listInnerEntries(
  { image: outer, input, path, globs, details = true }: ListRequest & { readonly path: string },
  session: ReadingSession,
): Promise<Entry[]> {
  const { signal } = session;
  const shown = `${[outer].flat().join(' + ')}:${path}`;
  await using scratch = await createScratch();
  const inside = join(scratch.path, 'inside');
  {
    await using image = await openNamedImage(outer, session, { input });
    await using copy = await open(inside, 'wx', 0o600);
    for await (const piece of findFile(image, parseShownPath(path)).body()) {
      signal.throwIfAborted();
      await copy.appendFile(piece);
    }
  }
  await using file = await openInputFile(inside, shown);
  const listed = await listInner({ file, name: shown, details, signal });
  if (listed !== undefined) return selectEntries(listed, { globs, name: shown });
  const foreign = await explainForeign(inside, 'inside');
  if (foreign !== undefined) {
    const { kind, code, message, offset, hint } = foreign;
    const cat = `moby-patch cat ${[outer].flat().join(' ')} ${path} > inside`;
    throw new MobyPatchError(kind, code, message, {
      path: shown,
      offset,
      hint: `${cat}; ${hint}`,
      cause: foreign,
    });
  }
  await using image = await openImage(inside, { signal, limits: session.limits, name: shown });
  return selectEntries(image.entries.values(), { globs, name: shown });
}

interface Selection {
  readonly globs: readonly string[];
  readonly name: string;
}

/** Those that match one of the globs. Error (`invalid`): `path-not-found`. */
function selectEntries<Any extends Entry>(entries: Iterable<Any>, { globs, name }: Selection): Any[] {
  const matchers = globs.map(createGlob);
  const all = [...entries];
  const selected = all.filter(
    ({ path }) => matchers.length === 0 || matchers.some((matches) => matches(path)),
  );
  if (globs.length === 0 || selected.length > 0) return selected;
  const message = `found no path that matches ${globs.map(showPath).join(' or ')}`;
  throw new MobyPatchError('invalid', 'path-not-found', message, {
    path: name,
    hint: ['moby-patch ls', name, ...globs.flatMap((glob) => followLink(glob, all) ?? [])].join(' '),
  });
}

/** The glob, as a shell takes it, behind a symlink to a folder (`lib` of a merged `/usr`), which no path of the list goes through. */
function followLink(glob: string, entries: readonly Entry[]): string | undefined {
  const link = entries.find(({ target, path }) => target !== undefined && glob.startsWith(`${path}/`));
  if (link?.target === undefined) return undefined;
  const place = posix.join('/', posix.dirname(link.path), link.target).slice(1);
  return quoteShell(place + glob.slice(link.path.length));
}

/**
 * Every entry, in one pass over the image: directories, symlinks and devices, then files in the order of their
 * bodies. The body of a file can be read once, until the next entry is asked for; that of a further hard link takes
 * a pass of its own. Errors: those of `openImage`, and `image-unknown` (`invalid`).
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

export interface ReadRequest extends EntriesRequest {
  readonly paths: readonly string[];
  /** As of `ListRequest`. */
  readonly segment?: number | undefined;
}

/**
 * The same for several files, one behind the other. All are looked up before the first is read, so that an error of
 * `readImageFile` comes before any byte.
 */
export async function* readImageFiles(
  { image: name, input, paths, segment }: ReadRequest,
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  await using image = await openNamedImage(name, session, { input });
  const view = segment === undefined ? image : selectSegment(image, segment);
  const files = paths.map((path) => findFile(view, path));
  for (const file of files) yield* file.body();
}

function findFile(image: View, path: string): ImageEntry {
  const entry = followEntry(image.entries, path);
  if (entry?.type === 'file') return entry;
  const code = entry === undefined ? 'path-not-found' : 'path-not-file';
  const what = entry === undefined ? 'nothing' : `a ${entry.type}`;
  throw new MobyPatchError('invalid', code, `found ${what} at ${showPath(path)}, wanted a regular file`, {
    path: image.name,
    hint: `moby-patch ls ${image.name}`,
  });
}
