import { createHash } from 'node:crypto';
import { cacheEntry } from '../io/cache.js';
import { collectBytes } from '../io/collect.js';
import type { Cache } from '../model/cache.js';
import type { Archive, ImageEntry } from '../model/image/archive.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { resolvePath } from '../tree/resolve.js';

/** Bytes: a larger file is read by itself, when a step asks for it. */
const largestCached = 2 ** 20;

/** Raised when the cached bodies are written in another way. */
const version = 1;

/**
 * Bodies of the paths that a plan says it reads. The first call for an entry of the image fetches them together in one pass over the image, or
 * from the cache. The answer is undefined for an entry that is not among them, or is no longer the image's own.
 */
export function createBodyCache(
  image: Archive,
  reads: readonly string[],
  cache: Cache,
): (entry: Entry) => Promise<Uint8Array | undefined> {
  let pass: Promise<ReadonlyMap<ArchiveRecord, Uint8Array>> | undefined;
  return async (entry) => {
    const own = image.entries.get(entry.path);
    if (own === undefined || own.body !== entry.body || own.data !== (entry as ImageEntry).data)
      return undefined;
    pass ??= loadBodies(image, findWanted(image, reads), cache);
    return (await pass).get(own.data);
  };
}

/** The files that the paths lead to, each once. */
function findWanted(image: Archive, reads: readonly string[]): readonly ImageEntry[] {
  const wanted = new Map<string, ImageEntry>();
  for (const path of reads) {
    const entry = image.entries.get(resolvePath((at) => image.entries.get(at), path, true) ?? path);
    if (entry?.type === 'file' && entry.size <= largestCached) wanted.set(entry.path, entry);
  }
  return [...wanted.values()];
}

/** Cached one behind the other, since their lengths are known. */
async function loadBodies(
  image: Archive,
  wanted: readonly ImageEntry[],
  cache: Cache,
): Promise<ReadonlyMap<ArchiveRecord, Uint8Array>> {
  if (wanted.length === 0) return new Map();
  const paths = wanted.map(({ path }) => path);
  const entry = cacheEntry(cache, 'bodies', version, image.layout.sha256, paths);
  const cached = await entry.read();
  const size = wanted.reduce((sum, { size }) => sum + size, 0);
  if (cached?.length === size) {
    const bodies = cutBodies(cached, wanted);
    if (wanted.every((each) => isBody(image, each, bodies.get(each.data)))) return bodies;
  }
  const bodies = await fetchBodies(image, wanted);
  const all = Buffer.concat(wanted.map(({ data }) => bodies.get(data) ?? new Uint8Array()));
  await entry.write(all);
  return cutBodies(all, wanted);
}

/** What is cached may be whole and yet not of this image. */
function isBody({ digests }: Archive, { data }: ImageEntry, body: Uint8Array = new Uint8Array()): boolean {
  const wanted = digests.get(data);
  return wanted === undefined || createHash('sha256').update(body).digest('hex') === wanted;
}

function cutBodies(all: Uint8Array, wanted: readonly ImageEntry[]): ReadonlyMap<ArchiveRecord, Uint8Array> {
  let at = 0;
  return new Map(
    wanted.map((entry) => {
      at += entry.size;
      return [entry.data, all.subarray(at - entry.size, at)];
    }),
  );
}

async function fetchBodies(
  image: Archive,
  wanted: readonly ImageEntry[],
): Promise<ReadonlyMap<ArchiveRecord, Uint8Array>> {
  const paths = new Map(wanted.map(({ data, path }) => [data, path]));
  const bodies = new Map<ArchiveRecord, Uint8Array>();
  for await (const [record, body] of image.bodies(new Set(paths.keys())))
    bodies.set(record, await collectBytes(body, largestCached, paths.get(record) ?? ''));
  return bodies;
}
