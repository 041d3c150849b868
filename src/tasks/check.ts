import { loadDefinition } from '../catalog/definition.js';
import { listDefinitions } from '../catalog/find-image.js';
import { MobyPatchError } from '../model/error.js';
import type { ReadingSession } from '../model/session.js';
import { findPatch, listPatches } from '../patch/language/find-patches.js';
import { loadPatch } from '../patch/language/load-patch.js';
import { locatePatch } from '../setup/build-request.js';
import { loadConfiguration } from '../setup/configuration.js';
import { assertOwnConfiguration } from '../setup/own-configuration.js';

export interface Checked {
  readonly kind: 'patch' | 'image' | 'configuration';
  readonly name: string;
  /** Absent when it is right. */
  readonly problem?: string | undefined;
}

/** Checks the named patches (folders or ids); without any, all patches, all image definitions and the configuration. */
export async function check(
  named: readonly string[],
  { places }: ReadingSession,
): Promise<readonly Checked[]> {
  await assertOwnConfiguration(places);
  const loadNamed = async (name: string) =>
    loadPatch(await findPatch(locatePatch(name, places.folder), places.patches));
  const results: Checked[] = [];
  const add = async (kind: Checked['kind'], name: string, load: () => Promise<unknown>) => {
    results.push({ kind, name, problem: await explainFailure(load) });
  };
  const patches = named.length > 0 ? named : (await listPatches(places.patches)).values();
  for (const name of patches) await add('patch', name, () => loadNamed(name));
  if (named.length > 0) return results;
  for (const file of (await listDefinitions(places.images)).values())
    await add('image', file, () => loadDefinition(file));
  await add('configuration', 'moby-patch.yaml', () => loadConfiguration(places.folder, undefined));
  return results;
}

async function explainFailure(load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    if (error instanceof MobyPatchError) return error.message;
    throw error;
  }
}
