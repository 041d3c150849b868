import { createHash } from 'node:crypto';
import type { Cache } from '../model/cache.js';
import type { RunCompressor } from './runs.js';

/**
 * The member that an earlier build made of a run. `recipe`: all beside the bytes that decides it, that is codec,
 * program and level.
 */
export function readCachedRun(cache: Cache, recipe: string, key: string): Promise<Uint8Array | undefined> {
  return cache.read('member', hashKey(recipe, key));
}

/**
 * Reads members that an earlier build made of the same bytes from a cache, and writes the others there. A run is
 * cached under the key of its cut, which was looked up before, or else under the hash of its bytes.
 */
export function cacheRuns(compressor: RunCompressor, cache: Cache, recipe: string): RunCompressor {
  return {
    ...compressor,
    async compress(run, given) {
      const key = hashKey(recipe, given ?? createHash('sha256').update(run).digest('hex'));
      const cached = given === undefined ? await cache.read('member', key) : undefined;
      if (cached !== undefined) return cached;
      const member = await compressor.compress(run, given);
      await cache.write('member', key, member);
      return member;
    },
  };
}

function hashKey(recipe: string, key: string): string {
  return createHash('sha256').update(`${recipe} ${key}`).digest('hex');
}
