import { createHash } from 'node:crypto';
import { cacheEntry } from '../io/cache.js';
import { giveSlab } from '../io/file/slabs.js';
import type { Cache, CacheEntry } from '../model/cache.js';
import type { ArchivedRun } from '../model/image/archive.js';
import type { OriginalMember } from './codec.js';
import type { RunCompressor, RunPlace } from './runs.js';

/** Raised when the same recipe makes other members. */
const version = 1;

/** Raised when the hints of the same member make other members. */
const hintsVersion = 1;

/** What a run is cached under: a member that was made with hints depends on what they were taken from, too. */
export function createRunKey({ key }: ArchivedRun, original: OriginalMember | undefined): string {
  return original === undefined ? key : `${key} ${hintsVersion} ${original.id}`;
}

/** For `readCachedRun`; whether it is there now. */
export function writeCachedRun(
  cache: Cache,
  recipe: string,
  { key, member }: { readonly key: string; readonly member: Uint8Array },
): Promise<boolean> {
  return openEntry(cache, recipe, key).write(member);
}

/** Whether `readCachedRun` has it. */
export function hasCachedRun(cache: Cache, recipe: string, key: string): Promise<boolean> {
  return openEntry(cache, recipe, key).has();
}

/**
 * The member that an earlier build made of a run. `recipe`: all beside the bytes that decides it, that is codec,
 * program and level.
 */
export function readCachedRun(cache: Cache, recipe: string, key: string): Promise<Uint8Array | undefined> {
  return openEntry(cache, recipe, key).read();
}

/**
 * Reads members that an earlier build made of the same bytes from a cache, and writes the others there. A run is
 * cached under the key of its cut, which was looked up before, or else under the hash of its bytes. Once a member
 * could not be written, neither spare runs are compressed nor others hashed.
 */
export function cacheRuns(compressor: RunCompressor, cache: Cache, recipe: string): RunCompressor {
  let isWritable = true;

  async function compressTo(entry: CacheEntry, run: Uint8Array, place: RunPlace = {}): Promise<Uint8Array> {
    const member = await compressor.compress(run, place);
    isWritable &&= await entry.write(member);
    return member;
  }

  return {
    ...compressor,
    async compress(run, place) {
      const { key } = place;
      if (!isWritable) return compressor.compress(run, place);
      if (key !== undefined) return compressTo(openEntry(cache, recipe, key), run, place);
      const entry = openEntry(cache, recipe, createHash('sha256').update(run).digest('hex'));
      return (await entry.read()) ?? compressTo(entry, run);
    },
    async spare(run, place) {
      if (!isWritable) return;
      const member = await compressTo(openEntry(cache, recipe, place.key), run, place);
      giveSlab(member.buffer as ArrayBuffer);
    },
  };
}

function openEntry(cache: Cache, recipe: string, key: string): CacheEntry {
  return cacheEntry(cache, 'member', version, recipe, key);
}
