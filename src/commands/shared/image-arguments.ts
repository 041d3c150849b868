import type { Command } from 'commander';
import { MobyPatchError } from '../../model/error/error.js';
import type { ImageName } from '../../setup/named-image.js';
import type { CommandContext } from './context.js';
import { collect } from './options.js';

/** What help says of an argument that names an image. */
export const imageText =
  'a file, - for standard input, or the id of an image definition; several files are read as one image';

/** What help says of an option that names an archive. */
export const segmentText = 'only what this archive brings: its place in the segments of inspect, from 0';

export interface ImageFlags {
  readonly image?: readonly string[];
}

/** For a command whose arguments name an image. */
export function addImageOption(command: Command): Command {
  return command.option(
    '-i, --image <image>',
    'names the image instead of the argument; several files are read as one image (repeatable)',
    collect,
  );
}

/** The image where every argument names one. Error (`invalid`): `image-missing`. */
export function chooseImage(args: readonly string[], flags: ImageFlags, usage: string): ImageName {
  const names = [...(flags.image ?? []), ...args];
  if (names.length > 0) return names;
  throw new MobyPatchError('invalid', 'image-missing', 'no image was named', { hint: usage });
}

export interface ChosenArguments {
  readonly image: ImageName;
  readonly rest: readonly string[];
}

/**
 * The image, and the arguments behind it. Without `--image` the first argument is it, together with those behind it that
 * are files with an image in them. Error (`invalid`): `image-missing`.
 */
export async function splitArguments(
  args: readonly string[],
  flags: ImageFlags,
  { folder }: CommandContext,
  usage: string,
): Promise<ChosenArguments> {
  if (flags.image !== undefined) return { image: flags.image, rest: args };
  const { isImageFile } = await import('../../setup/named-image.js');
  const [first, ...others] = args;
  let count = 0;
  for (const name of others) {
    if (!(await isImageFile(name, folder))) break;
    count += 1;
  }
  const names = first === undefined ? [] : [first, ...others.slice(0, count)];
  return { image: chooseImage(names, {}, usage), rest: others.slice(count) };
}
