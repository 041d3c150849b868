import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Resolves if this process may write into a folder, or make it: the nearest folder above that exists decides. Rejects with the
 * error of the system (EACCES, EROFS); on a read-only file system Node's `mkdir` says ENOENT.
 */
export async function assertWritable(folder: string): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined && path !== dirname(path)) continue;
    return access(path, constants.W_OK | constants.X_OK);
  }
}
