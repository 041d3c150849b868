import type { PackageDrift } from '../model/deployment.js';

type Packages = Readonly<Record<string, string>>;

/** Packages by name with their versions; the differences are sorted by name. */
export function findDrift(before: Packages, now: Packages): PackageDrift[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names
    .map((name) => ({ name, before: findVersion(before, name), after: findVersion(now, name) }))
    .filter((drift) => drift.before !== drift.after);
}

/** A package may be called `constructor`, which every object has. */
function findVersion(packages: Packages, name: string): string | undefined {
  return Object.hasOwn(packages, name) ? packages[name] : undefined;
}
