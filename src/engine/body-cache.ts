import { collectBytes } from '../io/collect.js';
import type { Entry } from '../model/entry.js';
import type { ArchiveRecord, Image } from '../model/layout.js';
import { resolvePath } from '../tree/resolve.js';

/** Files above this are read when they are asked for, one by one. */
const largestCached = 2 ** 20;

/**
 * Bodies of the paths that a plan says it reads, fetched together in one pass over the image at the first
 * call. The answer is undefined for an entry that is not among them, or is no longer the image's own.
 */
export function createBodyCache(
  image: Image,
  reads: readonly string[],
): (entry: Entry) => Promise<Uint8Array | undefined> {
  let pass: Promise<ReadonlyMap<Entry, Uint8Array>> | undefined;
  return async (entry) => {
    pass ??= fetchBodies(image, reads);
    return (await pass).get(entry);
  };
}

async function fetchBodies(image: Image, reads: readonly string[]): Promise<ReadonlyMap<Entry, Uint8Array>> {
  const wanted = new Map<ArchiveRecord, Entry>();
  for (const path of reads) {
    const entry = image.entries.get(resolvePath((at) => image.entries.get(at), path, true) ?? path);
    if (entry?.type === 'file' && entry.size <= largestCached) wanted.set(entry.data, entry);
  }
  const bodies = new Map<Entry, Uint8Array>();
  for await (const [record, body] of image.bodies(new Set(wanted.keys()))) {
    const entry = wanted.get(record);
    if (entry !== undefined) bodies.set(entry, await collectBytes(body, largestCached, entry.path));
  }
  return bodies;
}
