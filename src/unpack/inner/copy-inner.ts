import { showPath } from '../../format/path.js';
import { saveBytes } from '../../io/file/save-bytes.js';
import type { FileAccess } from '../../model/access.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import type { ScanLimits } from '../../model/limits.js';
import { followEntry } from '../../tree/resolve.js';
import { openImage } from '../open-image.js';

export interface InnerPlace {
  /** The path of an initrd, and what messages call it. */
  readonly path: string;
  readonly name: string;
  /** A path in the initrd. */
  readonly entry: string;
}

export interface CopyInnerOptions {
  /** A new file, for its owner alone. */
  readonly destination: string;
  readonly signal: AbortSignal;
  readonly limits?: Partial<ScanLimits> | undefined;
}

/** Copies a file out of an initrd and returns who may read the initrd. Errors (`invalid`): `wrapper-part`, those of `openImage`. */
export async function copyInner(
  { path, name, entry }: InnerPlace,
  { destination, signal, limits }: CopyInnerOptions,
): Promise<FileAccess> {
  await using image = await openImage(path, { signal, limits, name });
  await saveBytes(destination, findInner(image, entry).body(), signal);
  return image.access;
}

/** The regular file at a path, behind its symlinks. Error (`invalid`): `wrapper-part`. */
export function findInner(image: Archive, path: string): ImageEntry {
  const found = followEntry(image.entries, path);
  if (found?.type === 'file') return found;
  const what = found === undefined ? 'nothing' : `a ${found.type}`;
  throw new MobyPatchError(
    'invalid',
    'wrapper-part',
    `found ${what} at ${showPath(path)} in the initrd, wanted a file system`,
    {
      path: image.name,
      hint: `moby-patch ls ${image.name}`,
    },
  );
}
