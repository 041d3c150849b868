import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Puts the names of a folder on disk: a rename survives a power failure only after it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
