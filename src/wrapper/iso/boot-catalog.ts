import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import { readPieces } from '../../io/file/read-write.js';
import type { WrapperPart } from '../../model/image/wrapper.js';
import { type Descriptors, sectorSize } from './descriptors.js';

const entrySize = 32;

/** What a section of the catalog is for. */
const platforms: Readonly<Record<number, string>> = { 0: 'bios', 1: 'ppc', 2: 'mac', 239: 'uefi' };

/**
 * Where the images begin that a boot catalog names (El Torito, 2.1 to 2.4), in bytes from the start of the file, and what `xorriso
 * -extract_boot_images` calls each.
 */
export async function listBootImages(
  file: InputFile,
  { catalog }: Descriptors,
): Promise<ReadonlyMap<number, string>> {
  const places = new Map<number, string>();
  if (catalog === undefined) return places;
  const bytes = Buffer.from(await file.read(catalog, catalog + sectorSize));
  // The first entry is for validation. Headers of sections and extensions have other marks.
  let platform = bytes[1] ?? 0;
  for (let at = entrySize; at + entrySize <= bytes.length; at += entrySize) {
    const mark = bytes[at] ?? 0;
    if (mark === 0x90 || mark === 0x91) platform = bytes[at + 1] ?? 0;
    const place = bytes.readUInt32LE(at + 8) * sectorSize;
    if ((mark === 0x88 || mark === 0) && place > 0 && !places.has(place))
      places.set(place, `eltorito_img${places.size + 1}_${platforms[platform] ?? platform}.img`);
  }
  return places;
}

/**
 * What `mkisofs` and `xorriso` write into a boot image, since it says where that image and the volume are: the boot info table of
 * isolinux, and the place that GRUB 2 has for its own.
 */
const patched: readonly (readonly [from: number, to: number])[] = [
  [8, 64],
  [2548, 2556],
];

/** Hex: of what a boot image has besides its own place. */
export async function digestBootImage(file: InputFile, { offset, size }: WrapperPart): Promise<string> {
  const hash = createHash('sha256');
  let at = 0;
  for (const [from, to] of [...patched, [size, size] as const]) {
    for await (const piece of readPieces(file, offset + Math.min(at, size), offset + Math.min(from, size)))
      hash.update(piece);
    at = to;
  }
  return hash.digest('hex');
}
