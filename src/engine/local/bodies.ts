import { constants } from 'node:fs';
import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolderFault, type Folder } from '../../folder/folder.js';
import type { WalkedEntry } from '../../folder/walk.js';
import type { Bytes } from '../../model/image/entry.js';

/** Bodies of files in a folder that stay readable when the folder goes on changing. */
export interface Bodies {
  /** The body a file has now. */
  of(entry: WalkedEntry): () => Bytes;
  /** To be called before the folder changes: copies each body that callers have and that is still read from it. */
  preserve(): Promise<void>;
}

interface Body {
  place: Buffer | string;
  readonly path: string;
}

export function createBodies(folder: Folder, store: string): Bodies {
  // By inode and ctime: the names of a hard-link group share a body, and a rewritten file has a new one.
  const bodies = new Map<string, Body>();
  const inFolder = new Set<Body>();
  let stored = 0;
  return {
    of(entry) {
      if (entry.stat.size === 0n) return nothing;
      const key = `${entry.stat.ino}:${entry.stat.ctimeNs}`;
      const known = bodies.get(key);
      const body = known ?? { place: folder.locate(entry.path), path: entry.path };
      if (known === undefined) {
        bodies.set(key, body);
        inFolder.add(body);
      }
      return () => readPlace(body);
    },
    async preserve() {
      if (inFolder.size === 0) return;
      await mkdir(store, { recursive: true, mode: 0o700 });
      for (const body of inFolder) {
        stored += 1;
        const place = join(store, `${stored}`);
        await copyFile(body.place, place, constants.COPYFILE_FICLONE).catch((error) => {
          throw createFolderFault(error, 'copying', body.path);
        });
        body.place = place;
        inFolder.delete(body);
      }
    },
  };
}

async function* readPlace(body: Body): AsyncGenerator<Uint8Array, void, void> {
  const file = await open(body.place, constants.O_RDONLY | constants.O_NOFOLLOW);
  yield* file.createReadStream({ highWaterMark: 256 * 1024 });
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
