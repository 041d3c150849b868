import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { createScratch } from '../io/scratch.js';
import type { ReadingSession } from '../model/session.js';
import type { ScannedImage } from '../unpack/collector.js';
import { type OpenOptions, openImage } from '../unpack/open-image.js';
import { refuseStart } from '../unpack/scan.js';
import { assertOwnConfiguration } from './own-configuration.js';
import { placesOf } from './reading-session.js';
import { accessOfInput, saveStandardInput } from './standard-input.js';

const standardInput = 'standard input';

type OpenFile = (path: string, options: OpenOptions) => Promise<ScannedImage>;

export interface NamedImageOptions extends Omit<OpenOptions, 'signal' | 'name' | 'limits'> {
  /** How the file is opened; default: `openImage`. */
  readonly open?: OpenFile;
  /** What `-` names; without it `-` is a name like any other. */
  readonly input?: NodeJS.ReadableStream | undefined;
}

/**
 * Opens what a user calls an image: a file, `-` for standard input, or the id of a definition. Errors: those of
 * `findNamedImage` and `openImage`.
 */
export async function openNamedImage(
  name: string,
  session: ReadingSession,
  { input, open = openImage, ...rest }: NamedImageOptions = {},
): Promise<ScannedImage> {
  const options = { ...rest, signal: session.signal, limits: session.limits };
  if (name === '-' && input !== undefined)
    return openStandardInput(input, session, (path) => open(path, { ...options, name: standardInput }));
  const path = resolve(session.places.folder, name);
  if (await exists(path)) return open(path, { ...options, name });
  const { initrd } = await findNamedImage(name, session);
  return open(initrd, { ...options, name });
}

export interface FindNamedOptions {
  /** The folder whose definitions come first; default: the working folder. */
  readonly project?: string;
  /** Where a relative path begins; default: the working folder. */
  readonly from?: string;
  /** Refuse an image that is made by a recipe, not installed. */
  readonly installed?: boolean;
}

/** The image behind a path or the id of a definition. Errors: those of `findImage`. */
export async function findNamedImage(
  name: string,
  { places, signal, log }: ReadingSession,
  { project = places.folder, from = places.folder, installed }: FindNamedOptions = {},
): Promise<FoundImage> {
  await assertOwnConfiguration(places);
  const { findImage } = await import('../catalog/find-image.js');
  return findImage(name, {
    roots: placesOf(project, places).images,
    home: places.home,
    folder: from,
    cache: join(places.cache, 'images'),
    signal,
    log,
    ...(installed === undefined ? {} : { installed }),
  });
}

/** An image is read more than once and from any offset, so a stream is saved in a file first. */
async function openStandardInput(
  input: NodeJS.ReadableStream,
  session: ReadingSession,
  open: (path: string) => Promise<ScannedImage>,
): Promise<ScannedImage> {
  const access = accessOfInput(input);
  const scratch = await createScratch();
  try {
    const path = join(scratch.path, 'stdin.img');
    await saveStandardInput(input, { path, refuse: (start) => refuseStart(start, standardInput) }, session);
    const image = await open(path);
    return {
      ...image,
      access,
      async [Symbol.asyncDispose]() {
        await image[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
