import { cacheEntry } from '../../io/cache.js';
import type { Cache } from '../../model/cache.js';
import type { Bytes } from '../../model/entry.js';
import type { BodyFile } from './body-file.js';
import type { Container } from './container.js';
import { ask, type Daemon, getAnswer, readAnswer } from './daemon.js';
import { type Delta, readDelta } from './delta.js';
import { decodeListing, encodeListing, listingVersion, listRoot, type RootListing } from './root-listing.js';

/** Seconds for the daemon to begin to answer. */
const exportLimit = 600;

/**
 * What a container was before anything ran in it. The same image gives the same root in the same daemon, so the
 * listing is kept; a daemon of another version may add other files of its own. To be called before it is started.
 */
export async function readOrigin(
  daemon: Daemon,
  containerId: string,
  layers: readonly string[],
  cache: Cache,
  signal: AbortSignal,
): Promise<RootListing> {
  const version = await readVersion(daemon, signal);
  const entry = cacheEntry(cache, 'root', listingVersion, version, layers);
  const cached = await entry.read();
  if (cached !== undefined) return decodeListing(cached);
  const listing = await listRoot(await exportRoot(daemon, containerId, signal));
  await entry.write(encodeListing(listing));
  return listing;
}

/**
 * What a container has changed. `export` is the one call that every daemon answers alike: `commit` and `save`
 * write the whole root three times before it comes, and `diff` compares times and sizes. What still runs is
 * paused, since a file that grows while it is read breaks the tar off.
 */
export async function pullDelta(
  daemon: Daemon,
  container: Container,
  origin: RootListing,
  bodies: BodyFile,
  isIdle: boolean,
  signal: AbortSignal,
): Promise<Delta> {
  signal.throwIfAborted();
  const { handle, id } = container;
  if (!isIdle)
    await ask(daemon, 'pause a container', 60, (abortSignal) => handle.pause({ abortSignal }), signal);
  try {
    return await readDelta(() => exportRoot(daemon, id, signal), origin, bodies);
  } finally {
    if (!isIdle)
      await ask(daemon, 'unpause a container', 60, (abortSignal) => handle.unpause({ abortSignal }));
  }
}

async function exportRoot(daemon: Daemon, containerId: string, signal: AbortSignal): Promise<Bytes> {
  const answer = await ask(
    daemon,
    'export a container',
    exportLimit,
    (abortSignal) => getAnswer(daemon, `/containers/${containerId}/export`, true, abortSignal),
    signal,
  );
  return readAnswer(answer as NodeJS.ReadableStream, signal);
}

async function readVersion(daemon: Daemon, signal: AbortSignal): Promise<string> {
  const answer = await ask(
    daemon,
    'tell its version',
    60,
    (abortSignal) => getAnswer(daemon, '/version', false, abortSignal),
    signal,
  );
  return `${(answer as { Version?: unknown }).Version}`;
}
