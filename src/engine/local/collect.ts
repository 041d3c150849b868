import { constants, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Folder } from '../../folder/folder.js';
import { decodePath } from '../../format/path.js';
import type { OnFile } from '../../model/patch/engine.js';
import { statEntry } from './stat-entry.js';

/**
 * Passes on each regular file directly inside a folder of a root. No symlink is followed: a command may have put one in
 * place of the folder or of a file, and it would lead to files of this machine.
 */
export async function collectFiles(root: Folder, folder: string, onFile: OnFile): Promise<void> {
  if (statEntry(root, folder)?.isDirectory() !== true) return;
  for (const bytes of readdirSync(root.locate(folder), { encoding: 'buffer' })) {
    const path = `${folder}/${decodePath(bytes)}`;
    if (statEntry(root, path)?.isFile() !== true) continue;
    await using file = await open(root.locate(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    const body = file.createReadStream({ autoClose: false });
    await onFile({ name: path.slice(folder.length + 1), size, body });
  }
}
