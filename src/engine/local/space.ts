import { statfs } from 'node:fs/promises';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';

const block = 4096;
const megabyte = 1024 * 1024;
// Room for what commands write: package lists and archives alone are tens of megabytes.
const reserve = 128 * megabyte;

/** Bytes that an image takes on a disk with blocks of 4 KiB; a hard-link group counts once. */
function measureImage(image: Archive): number {
  const groups = new Set<string>();
  let size = 0;
  for (const entry of image.entries.values()) {
    if (entry.link !== undefined && groups.has(entry.link)) continue;
    if (entry.link !== undefined) groups.add(entry.link);
    size += Math.ceil(entry.size / block) * block + block;
  }
  return size;
}

/** Bytes that an image and its commands take in a private folder. */
export function measureSpace(image: Archive): number {
  return measureImage(image) + reserve;
}

/** Refuses (`infrastructure`, `disk-full`) a folder whose disk has no room for the image and its commands. */
export async function assertSpace(image: Archive, folder: string): Promise<void> {
  const wanted = measureSpace(image);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  throw new MobyPatchError(
    'infrastructure',
    'disk-full',
    `${folder} has ${inMegabytes(free)} MB free, ${inMegabytes(wanted)} MB are wanted to unpack ${image.name}`,
    { hint: 'free some space, or set TMPDIR to a folder on a larger disk' },
  );
}

const inMegabytes = (size: number) => Math.ceil(size / megabyte);
