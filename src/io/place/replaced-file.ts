import { type FileHandle, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openRegular } from '../file/regular-file.js';

/**
 * ext2 to ext4, XFS, Btrfs and tmpfs (statfs(2)). A network's file system moves a file that is open out of the way before another is
 * renamed over it, so that there is a moment without either, and some refuse it.
 */
const plain: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994]);

/**
 * Opens the file that is going to be replaced: the rename then does not free its bytes, which takes 10 ms for 40 MB. That happens when it
 * is closed, and nobody has to wait for it. Undefined where there is none, or a rename is not sure to be one step.
 */
export async function openReplaced(path: string): Promise<FileHandle | undefined> {
  try {
    const { type } = await statfs(dirname(path));
    return plain.has(type) ? await openRegular(path, { follow: false }) : undefined;
  } catch {
    return undefined;
  }
}
