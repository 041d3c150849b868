import { dirname } from 'node:path';
import { createErrorReport } from '../../model/error/error.js';
import type { Patch } from '../../model/patch/patch.js';
import type { ListedPatch } from '../../model/result/patches.js';
import type { Places, ReadingSession } from '../../model/session.js';
import { listNeeds } from '../../patch/describe-patch.js';
import { listPatches } from '../../patch/language/find-patches.js';
import { loadPatch } from '../../patch/language/load-patch.js';

/**
 * Every patch that a build finds by its id, sorted by id: those of the folders of patches, then those of the working
 * folder itself. Of several with an id, the one that a build takes. One with mistakes is among them, with its error.
 */
export async function findAllPatches({ places }: ReadingSession): Promise<readonly ListedPatch[]> {
  const found = await listPatches([...places.patches, places.folder]);
  return Promise.all([...found].map(([id, folder]) => listPatch(id, folder, places)));
}

async function listPatch(id: string, folder: string, places: Places): Promise<ListedPatch> {
  const base = { id, folder, origin: findOrigin(folder, places) };
  let patch: Patch;
  try {
    patch = await loadPatch(folder);
  } catch (error) {
    return { ...base, needs: [], error: createErrorReport(error) };
  }
  return { ...base, title: patch.title, needs: listNeeds(patch) };
}

function findOrigin(folder: string, { patches, config }: Places): ListedPatch['origin'] {
  const root = dirname(folder);
  if (root === patches.at(-1)) return 'program';
  return root.startsWith(`${config}/`) ? 'user' : 'project';
}
