import type { Patch } from '../model/patch/patch.js';
import { listSettingNames } from '../patch/language/parameters.js';
import type { LoadedConfiguration } from './configuration.js';

/** The settings of the file are for the patches of the file; other patches ignore those they do not declare. */
export function chooseSettings(
  wanted: { readonly patches?: unknown; readonly settings?: Readonly<Record<string, string>> },
  { values, shared }: LoadedConfiguration,
  patches: readonly Patch[],
): Record<string, string> {
  const settings = values.settings ?? {};
  const given = wanted.settings ?? {};
  if (wanted.patches === undefined) return { ...dropShared(settings, shared, patches), ...given };
  return { ...keepKnown(settings, patches), ...given };
}

/** Without those that are for other patches. */
export function dropShared(
  settings: Readonly<Record<string, string>>,
  shared: ReadonlySet<string> | undefined,
  patches: readonly Patch[],
): Readonly<Record<string, string>> {
  if (shared === undefined) return settings;
  const known = listSettingNames(patches);
  return Object.fromEntries(
    Object.entries(settings).filter(([name]) => known.has(name) || !shared.has(name)),
  );
}

/** What these patches declare. */
export function keepKnown<T>(
  given: Readonly<Record<string, T>>,
  patches: readonly Patch[],
): Record<string, T> {
  const known = listSettingNames(patches);
  return Object.fromEntries(Object.entries(given).filter(([name]) => known.has(name)));
}
