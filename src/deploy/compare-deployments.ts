import type { Conflict, PackageDrift, TouchedFile } from '../model/deployment.js';

/**
 * Files that upstream changed, or now brings, while the patched content is what it was: upstream's change is
 * lost. A step that edits lines gives another content than the last time, so it is no conflict.
 */
export function findConflicts(before: readonly TouchedFile[], now: readonly TouchedFile[]): Conflict[] {
  const old = new Map(before.map((file) => [file.path, file]));
  return now.flatMap(({ path, before: upstream, after }): Conflict[] => {
    const last = old.get(path);
    if (last === undefined || upstream === undefined || upstream === after) return [];
    if (last.before === upstream || last.after !== after) return [];
    return [{ path, upstream: last.before === undefined ? 'added' : 'changed' }];
  });
}

/** Sorted by name. */
export function findDrift(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): PackageDrift[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names
    .filter((name) => before[name] !== now[name])
    .map((name) => ({ name, before: before[name], after: now[name] }));
}
