import { findDrift } from '../format/package-drift.js';
import type { Conflict, Deployment, PackageDrift, TouchedFile } from '../model/deployment.js';
import { readTouched } from './state/state.js';
import type { Target } from './target.js';

/** What an upgrade changed under the patches. */
export interface Comparison {
  /** Undefined for the first deployment, and when the record of touched files was lost. */
  readonly conflicts?: readonly Conflict[] | undefined;
  /** Sorted by name; undefined for the first deployment. */
  readonly drift?: readonly PackageDrift[] | undefined;
}

/** Compares a deployment with the last one of another stock image. */
export async function compareWithLast(
  deployment: Deployment,
  { state, folder, predecessor }: Target,
): Promise<Comparison> {
  const own = state.deployments.findLast(({ stock }) => stock.sha256 !== deployment.stock.sha256);
  const last = own ?? predecessor?.deployment;
  if (last === undefined) return {};
  const before = await readTouched(own === undefined ? (predecessor?.folder ?? folder) : folder, last.build);
  const now = await readTouched(folder, deployment.build);
  return {
    conflicts: before === undefined || now === undefined ? undefined : findConflicts(before, now),
    drift: findDrift(last.packages, deployment.packages),
  };
}

/**
 * Files that upstream changed or added, and whose patched content is the same as before: upstream's change is lost.
 * A step that edits lines gives another content than before, so it is no conflict.
 * @internal
 */
export function findConflicts(before: readonly TouchedFile[], now: readonly TouchedFile[]): Conflict[] {
  const byPath = new Map(before.map((file) => [file.path, file]));
  return now.flatMap(({ path, before: upstream, after }): Conflict[] => {
    const last = byPath.get(path);
    if (last === undefined || upstream === undefined || upstream === after) return [];
    if (last.before === upstream || last.after !== after) return [];
    return [{ path, upstream: last.before === undefined ? 'added' : 'changed' }];
  });
}
