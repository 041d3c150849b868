import { createFolder } from '../../folder/folder.js';
import { materialiseImage } from '../../folder/materialise.js';
import { plainAttributes } from '../../folder/write-entry.js';
import type { FileAccess } from '../../model/access.js';
import type { ImageEntry } from '../../model/image/archive.js';
import { parentPath } from '../../tree/resolve.js';
import type { View } from '../select-segment.js';
import { listSidecarOnly } from './folder-traits.js';
import { createNewFolder } from './new-folder.js';

export interface ExtractRequest {
  /** A free name, or an empty folder. */
  readonly destination: string;
  /** Who may read the image. */
  readonly inputs: readonly FileAccess[];
  readonly signal: AbortSignal;
}

/** What goes into one folder. */
export interface Extract {
  /** Inside the destination; `''`: the destination itself. */
  readonly folder: string;
  readonly view: View;
  readonly entries: readonly ImageEntry[];
  /** Where directories above the entries are looked up. */
  readonly all: View['entries'];
}

export interface Extracted {
  readonly entries: number;
  /** Paths that the folder cannot have: devices, fifos, sockets, names that it does not allow. */
  readonly left: readonly string[];
}

/**
 * Writes parts of an image to a new folder, with the directories above them. No image can be made of it again. It appears
 * at the end, whole, or not at all. Errors: those of `unpackToFolder`.
 */
export async function extractEntries(
  extracts: readonly Extract[],
  { destination, inputs, signal }: ExtractRequest,
): Promise<Extracted> {
  await using folder = await createNewFolder(destination);
  const left: string[] = [];
  let count = 0;
  for (const { folder: inside, view, entries, all } of extracts) {
    const top = createFolder(inside === '' ? folder.path : await folder.makeInside(inside));
    const wanted = addParents(entries, all);
    const unfit = listSidecarOnly(wanted.values(), folder.traits);
    for (const path of unfit) {
      wanted.delete(path);
      left.push(path);
    }
    count += wanted.size;
    const source = { name: view.name, entries: wanted, bodies: view.bodies };
    await materialiseImage(source, { folder: top, signal, attributes: plainAttributes });
  }
  await folder.publishAlone(inputs);
  return { entries: count, left };
}

/** In the order of the tree: parents before their children. */
function addParents(entries: readonly ImageEntry[], all: View['entries']): Map<string, ImageEntry> {
  const wanted = new Map<string, ImageEntry>();
  for (const entry of entries) {
    const missing: string[] = [];
    for (let at = entry.path; at !== '' && !wanted.has(at); at = parentPath(at)) missing.push(at);
    for (const path of ['', ...missing.reverse()]) {
      const own = all.get(path);
      if (own !== undefined && !wanted.has(path)) wanted.set(path, own);
    }
    wanted.set(entry.path, entry);
  }
  return wanted;
}
