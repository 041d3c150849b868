import { cacheEntry } from '../../io/cache.js';
import { createInterruptedError } from '../../io/process/process.js';
import type { Cache, CacheEntry } from '../../model/cache.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import { addToGroup } from '../../model/image/groups.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import { type PackItem, packEntries } from '../../tar/tar-writer.js';
import type { Daemon } from './daemon.js';
import { formatLabel, importLabelKey, labelKey, type Owner } from './label.js';
import { selectionVersion, selectTravellers } from './selection.js';

/** Imports that stay in one daemon. */
const mostImports = 3;

/** An image of the daemon's that has the root of an initrd. */
export interface Import {
  readonly id: string;
  /** Whether it stays for the next build of the same initrd. */
  readonly stays: boolean;
}

/** Imports of one initrd into a daemon. */
export interface Imports {
  /** The id of an import that an earlier build left; undefined when there is none. */
  find(): Promise<string | undefined>;
  /**
   * Imports the root. The import stays where the cache can be written, since a later build must know which layer is
   * ours; otherwise it is the owner's and goes with the container.
   */
  create(owner: Owner): Promise<Import>;
}

export interface ImportsOptions {
  readonly daemon: Daemon;
  readonly image: Archive;
  readonly cache: Cache;
  readonly signal: AbortSignal;
}

export function createImports({ daemon, image, cache, signal }: ImportsOptions): Imports {
  const layers = layersEntry(image, cache);
  const name = nameImport(image);
  return {
    async find() {
      // Anybody can give an image a label, so it must have the very layers that we wrote down when we imported it: a
      // layer's id is the digest of its content.
      const wanted = Buffer.from((await layers.read()) ?? []).toString();
      if (wanted === '') return undefined;
      for (const { id, content } of await listImports(daemon)) {
        if (content === name && (await daemon.readLayers(id, signal))?.join() === wanted) return id;
      }
      return undefined;
    },
    async create(owner) {
      // The label is set with the import, so whether the layers can be written down must be known before.
      const stays = await layers.write(new Uint8Array());
      const label = stays ? `${importLabelKey}="${name}"` : `${labelKey}="${formatLabel(owner)}"`;
      const id = await sendImage(daemon, image, { label, signal });
      // After an abort too: without its layers the import would stay, and no build could find it.
      if (stays) await layers.write(Buffer.from(((await daemon.readLayers(id)) ?? []).join()));
      return { id, stays };
    },
  };
}

/** Stands for what goes into a container of an image; the label of its import. @internal */
export function nameImport(image: Archive): string {
  return `${selectionVersion}/${image.layout.sha256}`;
}

function layersEntry(image: Archive, cache: Cache): CacheEntry {
  return cacheEntry(cache, 'import', selectionVersion, image.layout.sha256);
}

/** Removes all imports that stay but the newest, and none that a container uses; the ids of those it removed. */
export async function trimImports(daemon: Daemon, limit = mostImports): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { id } of (await listImports(daemon)).slice(limit))
    if (await daemon.removeUnusedImage(id)) removed.push(id);
  return removed;
}

interface ListedImport {
  readonly id: string;
  /** What it was imported from: `nameImport`. */
  readonly content: string;
}

/** Newest first. What a commit makes of a container has the label too, and its owner's besides. */
async function listImports(daemon: Daemon): Promise<readonly ListedImport[]> {
  const images = await daemon.listImages(importLabelKey);
  return images
    .filter(({ labels }) => labels[labelKey] === undefined)
    .map(({ id, labels }) => ({ id, content: labels[importLabelKey] ?? '' }));
}

interface ImportRequest {
  readonly label: string;
  readonly signal: AbortSignal;
}

/** The tar is made while it is sent, from one pass over the image. */
async function sendImage(daemon: Daemon, image: Archive, { label, signal }: ImportRequest): Promise<string> {
  signal.throwIfAborted();
  const tar = packEntries(listItems(image));
  const stop = () => void tar.destroy(createInterruptedError(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await daemon.importImage(tar, label, signal);
  } catch (error) {
    if (signal.aborted) throw createInterruptedError(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    tar.destroy();
  }
}

/**
 * Everything without a body first, then files in the order in which one pass meets their bodies: the data of a
 * hard-link group may stand at any of its names, and the name that carries it must come first.
 */
async function* listItems(image: Archive): AsyncGenerator<PackItem> {
  const byData = new Map<ArchiveRecord, ImageEntry[]>();
  for (const entry of selectTravellers(image.entries.values())) {
    if (entry.type !== 'file') yield { entry };
    else addToGroup(byData, entry.data, entry);
  }
  for await (const [record, body] of image.bodies(new Set(byData.keys()))) {
    const [first, ...others] = byData.get(record) ?? [];
    if (first === undefined) continue;
    yield { entry: first, body };
    for (const entry of others) yield { entry };
    byData.delete(record);
  }
  for (const [entry] of byData.values()) {
    throw new MobyPatchError('failed', 'image-body', `the image gave no body for ${entry?.path ?? 'a file'}`);
  }
}
