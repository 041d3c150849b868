import { join, resolve } from 'node:path';
import { noCache, openCache, trimCache, usualCacheLimit } from '../io/cache.js';
import { assertOwnFolder } from '../io/place/trust.js';
import type { Cache } from '../model/cache.js';
import type { ReadingSession } from '../model/session.js';

/** The folder of the build cache: $MOBY_PATCH_CACHE, or one in the user's cache folder; `none`: undefined. */
export function locateBuildCache({
  environment,
  places,
}: Pick<ReadingSession, 'environment' | 'places'>): string | undefined {
  const wanted = environment.MOBY_PATCH_CACHE;
  if (wanted === 'none') return undefined;
  return wanted ? resolve(places.folder, wanted) : join(places.cache, 'builds');
}

export interface BuildCache extends Cache, AsyncDisposable {}

/** Error (`invalid`): `folder-unsafe`. */
export function assertOwnCache(path: string): Promise<void> {
  const instead = '--no-cache, or MOBY_PATCH_CACHE=DIR names another';
  return assertOwnFolder({ path, what: 'a build cache', instead });
}

/**
 * The cache in a folder, or an empty one; closing it after a write trims it to its limit. Using a folder that is
 * somebody else's is the error of `assertOwnCache`.
 */
export function openBuildCache(folder: string | undefined, log: (line: string) => void): BuildCache {
  if (folder === undefined) return { ...noCache, [Symbol.asyncDispose]: async () => {} };
  const cache = openCache(folder, log);
  let checked: Promise<void> | undefined;
  let grew = false;
  const check = () => {
    checked ??= assertOwnCache(folder);
    return checked;
  };
  return {
    has: (...wanted) => check().then(() => cache.has(...wanted)),
    read: (...wanted) => check().then(() => cache.read(...wanted)),
    open: (...wanted) => check().then(() => cache.open(...wanted)),
    async write(...written) {
      await check();
      grew = true;
      return cache.write(...written);
    },
    async [Symbol.asyncDispose]() {
      if (grew) await trimCache(folder, usualCacheLimit);
    },
  };
}
