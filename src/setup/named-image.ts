import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { refuseForeign } from '../compress/foreign.js';
import { exists } from '../io/file/exists.js';
import { openInputFile } from '../io/file/input-file.js';
import { type FileToJoin, joinFiles, nameFiles } from '../io/file/join-files.js';
import { MobyPatchError } from '../model/error/error.js';
import { isRootKind, type WrappedImage } from '../model/image/wrapper.js';
import type { ReadingSession } from '../model/session.js';
import { isReference } from '../registry/reference.js';
import type { ScannedImage } from '../unpack/collector.js';
import { refuseStart } from '../unpack/image-start.js';
import { type OpenScannedOptions, openScanned } from '../unpack/open-image.js';
import { assertOwnConfiguration } from './own-configuration.js';
import { placesOf } from './reading-session.js';
import { withScratch } from './scratch-image.js';
import { accessOfInput, saveStandardInput } from './standard-input.js';
import { findWrapped, openWrapped } from './wrapped-image.js';

const standardInput = 'standard input';

type OpenFile = (path: string, options: OpenScannedOptions) => Promise<ScannedImage>;

export interface NamedImageOptions extends Omit<OpenScannedOptions, 'signal' | 'name' | 'limits'> {
  /** How the file is opened; default: `openScanned`. */
  readonly open?: OpenFile;
  /** What `-` names; without it `-` is a name like any other. */
  readonly input?: NodeJS.ReadableStream | undefined;
}

export interface NamedImage extends ScannedImage {
  /** What the image is inside of; absent: it is a file of its own. */
  readonly wrapped?: WrappedImage | undefined;
}

/** Whether it is the content of a file system, which a machine boots from as a disk. */
export function isDiskImage({ wrapped }: NamedImage): boolean {
  return wrapped !== undefined && isRootKind(wrapped.wrapper.kind);
}

/** A name, or the names of several files that are read as one image. */
export type ImageName = string | readonly string[];

/**
 * Opens what a user calls an image: a file, `-` for standard input, the id of a definition, or `oci://...`; several are
 * joined as boot loaders do it. Errors: those of `findNamedImage`, `joinFiles` and `openScanned`.
 */
export async function openNamedImage(
  named: ImageName,
  session: ReadingSession,
  { input, open = openScanned, ...rest }: NamedImageOptions = {},
): Promise<NamedImage> {
  const { signal, limits, onWork } = session;
  const options = { ...rest, signal, limits, onWork };
  const [name = '', ...more] = typeof named === 'string' ? [named] : named;
  if (more.length > 0) return openJoined([name, ...more], session, { ...options, input, open });
  if (name === '-' && input !== undefined)
    return openStandardInput(input, session, (path) => open(path, { ...options, name: standardInput }));
  const wrapped = await findWrapped(name, session.places.folder, session);
  const path = wrapped === undefined ? await locateNamed(name, session) : wrapped.path;
  // A definition or a registry may lead to a wrapper, too; the file of this name has been examined.
  const isOther = path !== resolve(session.places.folder, name);
  const inside = wrapped ?? (isOther ? await findWrapped(path, '/', session) : undefined);
  if (inside === undefined) return open(path, { ...options, name });
  return { ...(await openWrapped(path, inside, { ...options, name, open })), wrapped: inside };
}

/** Whether a name is that of a file which begins as an image does. */
export async function isImageFile(name: string, folder: string): Promise<boolean> {
  const path = resolve(folder, name);
  if (!(await stat(path).catch(() => undefined))?.isFile()) return false;
  const start = await readStart(path);
  return start.length > 0 && start[0] !== 0 && refuseStart(start, name) === undefined;
}

async function readStart(path: string): Promise<Uint8Array> {
  await using file = await openInputFile(path);
  return await file.read(0, 512);
}

/** What messages call an image before it is open. */
export function describeName(named: ImageName): string {
  return typeof named === 'string' ? named : nameFiles(named.map((name) => ({ name })));
}

/** Whether an image has this name: a file, the id of a definition, or a place in a registry. */
export async function isNamed(name: string, { places }: ReadingSession): Promise<boolean> {
  if (isReference(name)) return true;
  if (await exists(resolve(places.folder, name))) return true;
  const { listDefinitions } = await import('../catalog/find-image.js');
  return (await listDefinitions(placesOf(places.folder, places).images)).has(name);
}

async function locateNamed(name: string, session: ReadingSession): Promise<string> {
  if (isReference(name)) return fetchReference(name, session);
  const path = resolve(session.places.folder, name);
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) return path;
  return (await findNamedImage(name, session)).initrd;
}

async function fetchReference(name: string, session: ReadingSession): Promise<string> {
  const { fetchImage } = await import('./registry-image.js');
  return fetchImage(name, session);
}

interface JoinedOptions extends Omit<OpenScannedOptions, 'name'> {
  readonly open: OpenFile;
  readonly input?: NodeJS.ReadableStream | undefined;
}

/** Programs, and QEMU, read an image from one file, so there is one, until the image is closed. */
function openJoined(
  names: readonly string[],
  session: ReadingSession,
  { input, open, ...options }: JoinedOptions,
): Promise<ScannedImage> {
  return withScratch(async (folder) => {
    const files: FileToJoin[] = [];
    for (const name of names) {
      const isStream = name === '-' && input !== undefined;
      const path = isStream ? join(folder, 'stdin.img') : await locateNamed(name, session);
      if (isStream) await saveImage(input, path, session);
      const access = isStream ? accessOfInput(input) : undefined;
      files.push({ name: isStream ? standardInput : name, path, access });
    }
    const path = join(folder, 'joined.img');
    const joined = await joinFiles(files, { destination: path, signal: session.signal });
    const image = await open(path, { ...options, files: joined.files, name: nameFiles(files) });
    return { ...image, access: joined.access };
  });
}

export interface FindNamedOptions {
  /** The folder whose definitions come first; default: the working folder. */
  readonly project?: string;
  /** Where a relative path begins; default: the working folder. */
  readonly from?: string;
  /** Refuse an image that is made by a recipe, not installed. */
  readonly installed?: boolean;
}

/** The image behind a path, the id of a definition, or `oci://...`. Errors: those of `findImage` and `fetchImage`. */
export async function findNamedImage(
  name: string,
  session: ReadingSession,
  { project = session.places.folder, from = session.places.folder, installed }: FindNamedOptions = {},
): Promise<FoundImage> {
  const { places, signal, log } = session;
  const find = (path: string, folder: string) =>
    findWrapped(path, folder, session).catch((error) => {
      // What is installed has a state, whatever is wrong with it now.
      if (installed === true && error instanceof MobyPatchError && error.kind === 'invalid') return undefined;
      throw error;
    });
  const wrapped = await find(name, from);
  if (wrapped !== undefined) return describeWrapped(name, wrapped);
  if (isReference(name) && installed !== true)
    return { name, initrd: await fetchReference(name, session), cmdline: '', expect: [] };
  await assertOwnConfiguration(places);
  const { findImage } = await import('../catalog/find-image.js');
  const found = await findImage(name, {
    mayWrap: true,
    roots: placesOf(project, places).images,
    home: places.home,
    folder: from,
    cache: join(places.cache, 'images'),
    signal,
    log,
    ...(installed === undefined ? {} : { installed }),
  });
  const isOther = found.initrd !== resolve(from, name);
  const inside = isOther ? await find(found.initrd, '/') : undefined;
  if (inside === undefined) await refuseForeign(found.initrd, found.initrd);
  return inside === undefined
    ? found
    : { ...found, wrapped: inside, cmdline: found.cmdline || (inside.boot.cmdline ?? '') };
}

/** A file system has its kernel beside it, as an initrd has. */
async function describeWrapped(name: string, wrapped: WrappedImage): Promise<FoundImage> {
  const { path, wrapper, boot } = wrapped;
  const kernel = isRootKind(wrapper.kind)
    ? await (await import('../catalog/find-image.js')).findKernelBeside(path)
    : undefined;
  return { name, initrd: path, kernel, cmdline: boot.cmdline ?? '', expect: [], wrapped };
}

/** An image is read more than once and from any offset, so a stream is saved in a file first. */
function openStandardInput(
  input: NodeJS.ReadableStream,
  session: ReadingSession,
  open: (path: string) => Promise<ScannedImage>,
): Promise<ScannedImage> {
  const access = accessOfInput(input);
  return withScratch(async (folder) => {
    const path = join(folder, 'stdin.img');
    await saveImage(input, path, session);
    return { ...(await open(path)), access };
  });
}

function saveImage(input: NodeJS.ReadableStream, path: string, session: ReadingSession): Promise<void> {
  const refuse = (start: Uint8Array) => refuseStart(start, standardInput);
  return saveStandardInput(input, { path, refuse }, session);
}
