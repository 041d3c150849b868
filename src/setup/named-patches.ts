import { isAbsolute, resolve } from 'node:path';
import { MobyPatchError } from '../model/error/error.js';
import type { Patch } from '../model/patch/patch.js';
import { findPatch } from '../patch/language/find-patches.js';
import { loadPatch } from '../patch/language/load-patch.js';
import { addUsed } from '../patch/language/used-patches.js';
import { createProblemError } from '../yaml/problems.js';

export interface NamedPatches {
  /** With those that they use. */
  readonly patches: readonly Patch[];
  /** One for each named patch that cannot be read, and one for all problems of the patches that they use. */
  readonly faults: readonly MobyPatchError[];
}

export interface PatchPlaces {
  /** Where a relative path begins. */
  readonly from: string;
  /** Where an id is looked up. */
  readonly roots: readonly string[];
}

/** Reads patches by their folders or ids. */
export async function loadNamedPatches(
  names: readonly string[],
  { from, roots }: PatchPlaces,
): Promise<NamedPatches> {
  const load = async (name: string) => loadPatch(await findPatch(locatePatch(name, from), roots));
  const loaded = await Promise.all(names.map((name) => load(name).catch(assertFault)));
  const named = loaded.flatMap((each) => (each instanceof MobyPatchError ? [] : [each]));
  const faults = loaded.filter((each) => each instanceof MobyPatchError);
  const { patches, problems } = await addUsed(named, roots);
  return { patches, faults: problems.length === 0 ? faults : [...faults, createProblemError(problems)] };
}

function assertFault(error: unknown): MobyPatchError {
  if (error instanceof MobyPatchError) return error;
  throw error;
}

/** Makes the path of a folder absolute; an id stays as it is. */
export function locatePatch(name: string, from: string): string {
  return /[/\\]|^\./.test(name) && !isAbsolute(name) ? resolve(from, name) : name;
}
