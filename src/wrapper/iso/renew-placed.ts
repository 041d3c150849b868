import { open } from 'node:fs/promises';
import type { InputFile } from '../../io/file/input-file.js';
import { openInputFile } from '../../io/file/input-file.js';
import { readPieces, writeAt } from '../../io/file/read-write.js';
import type { Wrapper } from '../../model/image/wrapper.js';
import { followLists } from './follow-lists.js';
import { findInIso } from './iso.js';
import { digestSums, findSums, type NewSum } from './replace-in-place.js';

/**
 * Boot images that say where they stand, as that of isolinux, have other bytes in an image that `xorriso` wrote: their lines in lists of
 * sums get new digits in the file at `path`, if the old ones were those of the old image.
 */
export async function renewPlaced(
  old: InputFile,
  { parts }: Pick<Wrapper, 'parts'>,
  path: string,
): Promise<void> {
  await using written = await openInputFile(path, old.name);
  const found = await findInIso(written);
  const sums: NewSum[] = [];
  for (const part of found.parts.values()) {
    const own = parts.get(part.name);
    if (part.follows !== 'place' || own === undefined) continue;
    const places = await findSums(written, found, part);
    const read = (file: InputFile, { offset, size }: typeof part) => readPieces(file, offset, offset + size);
    const before = await digestSums(places, () => read(old, own));
    const after = await digestSums(places, () => read(written, part));
    sums.push(...after.filter((sum, index) => before[index]?.digits === sum.before));
  }
  await using handle = await open(path, 'r+');
  for (const { offset, digits } of await followLists(written, found, sums))
    await writeAt(handle, new TextEncoder().encode(digits), offset);
}
