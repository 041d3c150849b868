import { type InputFile, openInputFile } from '../../io/file/input-file.js';
import { readPieces } from '../../io/file/read-write.js';
import { saveBytes } from '../../io/file/save-bytes.js';
import type { Wrapper } from '../../model/image/wrapper.js';
import { applyEdits, writePieces } from '../wrapper-write.js';
import { followLists } from './follow-lists.js';
import { findInIso } from './iso.js';
import { digestSums, findSums, listEdits, type NewSum } from './replace-in-place.js';

/**
 * Boot images that say where they stand, as that of isolinux, have other bytes in an image that `xorriso` wrote: their lines in lists of
 * sums get new digits, if the old ones were those of the old image. Returns the path of the image that has them.
 */
export async function renewPlaced(
  old: InputFile,
  { parts }: Pick<Wrapper, 'parts'>,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<string> {
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
  const edits = listEdits(await followLists(written, found, sums));
  if (edits.length === 0) return path;
  const renewed = `${path}.sums`;
  const pieces = applyEdits(edits, written.size);
  await saveBytes(renewed, writePieces(pieces, { old: written, initrd: written }), signal);
  return renewed;
}
