import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { downloadEntry } from '../engine/downloads.js';
import { openCache } from '../io/cache.js';
import { readPieces } from '../io/file/read-write.js';
import { createOutput } from '../io/place/output.js';
import { MobyPatchError } from '../model/error/error.js';
import type { VendoredDownloads } from '../model/patch/lock.js';
import type { Download } from '../model/patch/workspace.js';
import type { ReadingSession } from '../model/session.js';
import { assertOwnCache, locateBuildCache } from '../setup/build-cache.js';
import type { ManifestFile } from '../setup/lock-file.js';

interface KeepOptions {
  readonly manifest: ManifestFile;
  /** Of the lock. */
  readonly folder: string;
  readonly session: ReadingSession;
}

/**
 * Copies what the package managers of a build downloaded from the build cache into a folder. Error (`invalid`):
 * `vendor-lost`, before anything is written.
 */
export async function keepDownloads(
  vendor: string,
  { manifest, folder, session }: KeepOptions,
): Promise<VendoredDownloads> {
  const { kept = [], missing = Object.keys(manifest.packages) } = manifest.downloads ?? {};
  refuseMissing(missing);
  refuseTwins(kept);
  const place = resolve(session.places.folder, vendor);
  const cached = await findCached(kept, manifest.input.sha256, session);
  for (const { file, entry } of cached) {
    session.signal.throwIfAborted();
    await copyCached(file, entry, { place, signal: session.signal });
  }
  const files = [...kept].sort((a, b) => (`${a.manager}/${a.name}` < `${b.manager}/${b.name}` ? -1 : 1));
  return { folder: relative(folder, place) || '.', files };
}

const again =
  'moby-patch build with the build cache (neither --no-cache nor MOBY_PATCH_CACHE=none), then this';

function createLostError(message: string, hint: string): MobyPatchError {
  return new MobyPatchError('invalid', 'vendor-lost', message, { hint });
}

function refuseMissing(names: readonly string[]): void {
  if (names.length === 0) return;
  throw createLostError(
    `no file is kept of ${names.length} packages of the build: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}`,
    `${again}; files of dnf and zypper are not kept, and none after a step that gets a secret`,
  );
}

/** Two steps of one build that met a repository before and after it changed. */
function refuseTwins(files: readonly Download[]): void {
  const seen = new Set<string>();
  for (const { manager, name } of files) {
    if (seen.has(`${manager}/${name}`))
      throw createLostError(`the repository changed during the build: two steps have another ${name}`, again);
    seen.add(`${manager}/${name}`);
  }
}

type Entry = ReturnType<typeof downloadEntry>;

async function findCached(files: readonly Download[], imageSha256: string, session: ReadingSession) {
  const path = locateBuildCache(session);
  if (path === undefined) throw createLostError('there is no build cache to take the packages from', again);
  await assertOwnCache(path);
  const cache = openCache(path, session.log);
  const found: { readonly file: Download; readonly entry: Entry }[] = [];
  for (const file of files) {
    const entry = downloadEntry(cache, imageSha256, file);
    if (!(await entry.has()))
      throw createLostError(
        `the build cache no longer has ${file.name} of ${file.manager}`,
        'moby-patch prune --cache, then build, then this',
      );
    found.push({ file, entry });
  }
  return found;
}

async function copyCached(
  file: Download,
  entry: Entry,
  { place, signal }: { readonly place: string; readonly signal: AbortSignal },
): Promise<void> {
  const opened = await entry.open();
  const lost = () =>
    createLostError(`what the build cache has of ${file.name} is not what was installed`, again);
  if (opened === undefined) throw lost();
  await using cached = opened;
  const folder = join(place, file.manager);
  await mkdir(folder, { recursive: true });
  const source = readPieces(cached, 0, cached.size);
  const destination = join(folder, file.name);
  await using output = await createOutput(source, { destination, inputs: [], signal });
  if (output.sha256 !== file.sha256) throw lost();
  await output.publish();
}
