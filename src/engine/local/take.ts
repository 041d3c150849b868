import { constants, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Folder } from '../../folder/folder.js';
import { decodePath } from '../../format/path.js';
import type { OnFile } from '../../model/engine.js';
import { statEntry } from './stat-entry.js';

/**
 * Gives each regular file directly inside a folder of a root. A command may have put a symlink in place of the
 * folder or of a file, which would lead to files of this machine: none is followed.
 */
export async function takeFiles(root: Folder, folder: string, take: OnFile): Promise<void> {
  if (statEntry(root, folder)?.isDirectory() !== true) return;
  for (const bytes of readdirSync(root.locate(folder), { encoding: 'buffer' })) {
    const path = `${folder}/${decodePath(bytes)}`;
    if (statEntry(root, path)?.isFile() !== true) continue;
    await using file = await open(root.locate(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    const body = file.createReadStream({ autoClose: false });
    await take({ name: path.slice(folder.length + 1), size, body });
  }
}
