import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createScratch } from '../io/scratch.js';
import type { Image } from '../model/layout.js';
import { type OpenOptions, openImage } from '../unpack/open-image.js';
import { refuseStart } from '../unpack/scan.js';
import { type CommandContext, findPlaces } from './context.js';
import { keepStandardInput } from './standard-input.js';

const standardInput = 'standard input';

/** Opens what a user calls an image: a file, `-` for standard input, or the id of a definition. */
export async function openNamedImage(
  name: string,
  context: CommandContext,
  wishes: Omit<OpenOptions, 'signal' | 'name' | 'limits'> = {},
): Promise<Image> {
  const options = { ...wishes, signal: context.signal, limits: context.limits };
  if (name === '-') return openStandardInput(context, options);
  const path = resolve(context.folder, name);
  if (await exists(path)) return openImage(path, { ...options, name });
  const { findImage } = await import('../catalog/find-image.js');
  const places = findPlaces(context, context.folder);
  const log = (line: string) => context.stderr.write(`${line}\n`);
  const found = await findImage(name, {
    roots: places.images,
    home: places.home,
    folder: context.folder,
    cache: join(places.cache, 'images'),
    signal: context.signal,
    log,
  });
  return openImage(found.initrd, { ...options, name });
}

/** An image is read more than once and from any place, so a stream is kept in a file first. */
async function openStandardInput(context: CommandContext, options: OpenOptions): Promise<Image> {
  const scratch = await createScratch();
  try {
    const path = join(scratch.path, 'stdin.img');
    await keepStandardInput(path, (start) => refuseStart(start, standardInput), context);
    const image = await openImage(path, { ...options, name: standardInput });
    return {
      ...image,
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
