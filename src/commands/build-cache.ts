import { join, resolve } from 'node:path';
import { noCache, openCache, trimCache, usualCacheLimit } from '../io/cache.js';
import type { Cache } from '../model/cache.js';
import { type CommandContext, findPlaces } from './context.js';

/** Where what builds keep for later ones is: $MOBY_PATCH_CACHE, which may say `none`, or the user's cache folder. */
export function locateBuildCache(context: CommandContext): string | undefined {
  const wanted = context.environment.MOBY_PATCH_CACHE;
  if (wanted === 'none') return undefined;
  return wanted ? resolve(context.folder, wanted) : join(findPlaces(context, context.folder).cache, 'builds');
}

export interface BuildCache extends Cache, AsyncDisposable {}

/** What earlier builds kept, unless `wanted` is false; when it is closed after a write it is brought back to its limit. */
export function openBuildCache(
  wanted: boolean,
  context: CommandContext,
  log: (line: string) => void,
): BuildCache {
  const folder = wanted ? locateBuildCache(context) : undefined;
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
