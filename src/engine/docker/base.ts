import { cacheEntry } from '../../io/cache.js';
import type { Archive } from '../../model/archive.js';
import type { Cache, CacheEntry } from '../../model/cache.js';
import { selectionVersion } from './blind.js';
import { ask, type Daemon, statusOf } from './daemon.js';
import { baseLabelKey, labelKey } from './label.js';
import { readDiffIds } from './objects.js';

/** Imports that stay in one daemon. */
const keptBases = 3;

/** An imported image that is there for the next build of the same initrd. */
interface KeptBase {
  readonly id: string;
  /** What it was imported from: `nameBase`. */
  readonly content: string;
}

/** Stands for what goes into a container of an image: the label of its import. */
export function nameBase(image: Archive): string {
  return `${selectionVersion}/${image.layout.sha256}`;
}

function layersEntry(cache: Cache, image: Archive): CacheEntry {
  return cacheEntry(cache, 'import', selectionVersion, image.layout.sha256);
}

/**
 * The id of a kept import of this image; undefined when there is none. Anybody can give an image a label, so it
 * must have the very layer that we wrote down when we imported it: a layer's id is the digest of its content.
 */
export async function findBase(
  daemon: Daemon,
  image: Archive,
  cache: Cache,
  signal: AbortSignal,
): Promise<string | undefined> {
  const content = nameBase(image);
  const wanted = Buffer.from((await layersEntry(cache, image).read()) ?? []).toString();
  if (wanted === '') return undefined;
  for (const base of await listBases(daemon)) {
    if (base.content !== content) continue;
    const layers = await readDiffIds(daemon, base.id, signal).catch(ignoreMissing);
    if (layers?.join() === wanted) return base.id;
  }
  return undefined;
}

/** Whether the layers of an import can be written down: without them no later build may use it. */
export function canRememberBase(image: Archive, cache: Cache): Promise<boolean> {
  return layersEntry(cache, image).write(new Uint8Array());
}

/** Writes down which layers an import made, so that `findBase` finds it. */
export async function rememberBase(
  daemon: Daemon,
  image: Archive,
  id: string,
  cache: Cache,
  signal: AbortSignal,
): Promise<void> {
  const layers = await readDiffIds(daemon, id, signal);
  await layersEntry(cache, image).write(Buffer.from(layers.join()));
}

/** Removes all kept imports but the newest; one that a container uses stays. */
export async function trimBases(daemon: Daemon, limit = keptBases): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { id } of (await listBases(daemon)).slice(limit))
    if (await removeUnused(daemon, id)) removed.push(id);
  return removed;
}

/** Newest first. What a commit makes of a container has the label too, and its owner's besides. */
async function listBases(daemon: Daemon): Promise<readonly KeptBase[]> {
  const filters = JSON.stringify({ label: [baseLabelKey] });
  const found = await ask(daemon, 'list images', 60, (abortSignal) =>
    daemon.client.listImages({ all: true, filters, abortSignal }),
  );
  return found
    .filter(({ Labels }) => Labels?.[labelKey] === undefined)
    .sort((one, other) => other.Created - one.Created)
    .map(({ Id, Labels }) => ({ id: Id, content: Labels?.[baseLabelKey] ?? '' }));
}

async function removeUnused(daemon: Daemon, id: string): Promise<boolean> {
  try {
    await ask(daemon, 'remove an image', 120, (abortSignal) =>
      daemon.client.getImage(id).remove({ force: false, noprune: true, abortSignal }),
    );
    return true;
  } catch (error) {
    // 409: a container uses it; 404: another build was faster.
    if (statusOf(error) === 409 || statusOf(error) === 404) return false;
    throw error;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (statusOf(error) !== 404) throw error;
}
