import type { Image } from '../model/archive.js';
import type { Change } from '../model/change.js';
import type { Bytes } from '../model/entry.js';
import { chooseMode, type ModeWishes } from './choose-mode.js';
import { writeAppended } from './write-append.js';
import { type RepackOptions, writeImage } from './write-image.js';

/** The bytes of the image with its changes, the way they are written, and why so. Errors: as of `chooseMode`. */
export function writeChanges(
  image: Image,
  changes: readonly Change[],
  options: RepackOptions & ModeWishes,
): { readonly name: 'rewrite' | 'append'; readonly reason: string; readonly bytes: Bytes } {
  const { name, reason, records } = chooseMode(image, changes, options);
  const cache = options.cache?.keeps ? options.cache : undefined;
  const bytes =
    records === undefined
      ? writeImage(image, changes, { ...options, cache })
      : writeAppended(image, records, options);
  return { name, reason, bytes };
}
