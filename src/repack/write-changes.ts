import type { Image } from '../model/archive.js';
import type { Change } from '../model/change.js';
import type { MemberRange } from '../model/layout.js';
import { chooseMode, type ForeseenMode, type ModeWishes } from './choose-mode.js';
import { writeAppended } from './write-append.js';
import { type RepackOptions, writeImage } from './write-image.js';

export interface WrittenChanges extends ForeseenMode {
  readonly name: 'rewrite' | 'append';
  /** Returns where the members that were compressed anew stand. */
  readonly bytes: AsyncGenerator<Uint8Array, readonly MemberRange[], void>;
}

/** The bytes of the image with its changes, the way they are written, and the reason for it. Errors: as of `chooseMode`. */
export function writeChanges(
  image: Image,
  changes: readonly Change[],
  options: RepackOptions & ModeWishes,
): WrittenChanges {
  const { name, reason, records } = chooseMode(image, changes, options);
  const bytes =
    records === undefined ? writeImage(image, changes, options) : writeAppended(image, records, options);
  return { name, reason, bytes };
}
