import { createHash } from 'node:crypto';
import type { Cache } from '../model/cache.js';
import type { RunCompressor } from './runs.js';

/** What an earlier build made of a run: `recipe` is all beside the bytes that decides it, codec, program and level. */
export function readKeptRun(cache: Cache, recipe: string, key: string): Promise<Uint8Array | undefined> {
  return cache.read('member', hashKey(recipe, key));
}

/**
 * Takes members that an earlier build made of the same bytes from a cache, and keeps the others there: under
 * the key at their boundary, which was looked for already, or else under the hash of their bytes.
 */
export function keepRuns(compressor: RunCompressor, cache: Cache, recipe: string): RunCompressor {
  return {
    ...compressor,
    async compress(run, given) {
      const key = hashKey(recipe, given ?? createHash('sha256').update(run).digest('hex'));
      const kept = given === undefined ? await cache.read('member', key) : undefined;
      if (kept !== undefined) return kept;
      const member = await compressor.compress(run, given);
      await cache.write('member', key, member);
      return member;
    },
  };
}

function hashKey(recipe: string, key: string): string {
  return createHash('sha256').update(`${recipe} ${key}`).digest('hex');
}
