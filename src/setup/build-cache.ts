import { join, resolve } from 'node:path';
import { noCache, openCache, trimCache, usualCacheLimit } from '../io/cache.js';
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

/** The cache in a folder, or an empty one; closing it after a write trims it to its limit. */
export function openBuildCache(folder: string | undefined, log: (line: string) => void): BuildCache {
  if (folder === undefined) return { ...noCache, [Symbol.asyncDispose]: async () => {} };
  const cache = openCache(folder, log);
  let grew = false;
  return {
    ...cache,
    write(...written) {
      grew = true;
      return cache.write(...written);
    },
    async [Symbol.asyncDispose]() {
      if (grew) await trimCache(folder, usualCacheLimit);
    },
  };
}
