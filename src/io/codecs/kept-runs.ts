import { createHash } from 'node:crypto';
import type { Cache } from '../../model/cache.js';
import type { RunCompressor } from './runs.js';

/**
 * Takes members that an earlier build made of the same bytes from a cache, and keeps the others there.
 * `recipe`: everything beside the bytes that decides the member: codec, program with version, level.
 */
export function keepRuns(compressor: RunCompressor, cache: Cache, recipe: string): RunCompressor {
  return {
    ...compressor,
    async compress(run) {
      const key = createHash('sha256').update(`${recipe}\n`).update(run).digest('hex');
      const kept = await cache.read('member', key);
      if (kept !== undefined) return kept;
      const member = await compressor.compress(run);
      await cache.write('member', key, member);
      return member;
    },
  };
}
