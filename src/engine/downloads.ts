import { cacheEntry } from '../io/cache.js';
import { digestBytes } from '../io/digest.js';
import { readPieces } from '../io/file/read-write.js';
import { createSpool } from '../io/file/spool.js';
import { noBytes } from '../io/no-bytes.js';
import { createScratch } from '../io/place/scratch.js';
import type { Cache, CachedFile, CacheEntry } from '../model/cache.js';
import type { Change } from '../model/image/change.js';
import type { Bytes, Entry, EntryType } from '../model/image/entry.js';
import type { CollectedFile, CommandRoot } from '../model/patch/engine.js';
import type { Download, Downloads, RunOptions, RunResult, VendoredFile } from '../model/patch/workspace.js';

/** Bytes of an image's downloads that a command gets at most. */
const sizeLimit = 256 * 2 ** 20;
/** The names that apt and apk form from a package's name and version; none that leads out of the folder. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9+._~%:@-]{0,254}$/;

/** Raised when the list is written in another way. */
const version = 2;

/** A download in the cache; the list of an image has the newest first. */
type Cached = Omit<Download, 'manager'>;

export interface DownloadingCommand {
  /** The root as the command shall find it. Called once: it may take a while to start. */
  begin(): Promise<CommandRoot>;
  readonly argv: readonly string[];
  readonly options: RunOptions;
  readonly downloads: Downloads;
  readonly imageSha256: string;
  readonly cache: Cache;
  /** In a build without a network: what is kept beside the lock. */
  readonly vendored?: readonly VendoredFile[] | undefined;
}

/** Where a download of a build of this image is cached. */
export function downloadEntry(
  cache: Cache,
  imageSha256: string,
  { manager, name, size, sha256 }: Download,
): CacheEntry {
  return cacheEntry(cache, 'package', version, manager, imageSha256, name, size, sha256);
}

/**
 * Runs a command that finds in a folder what it downloaded in earlier builds of the same image, and leaves there
 * what is new. There is no folder when the cache cannot be written. The files prove nothing: their reader must
 * check them, since a command of another patch may have made them.
 */
export async function runWithDownloads(command: DownloadingCommand): Promise<RunResult> {
  const { argv, options, downloads, imageSha256, cache, vendored } = command;
  const { folder, manager } = downloads;
  if (vendored !== undefined) return runOffline(command, vendored);
  const list = cacheEntry(cache, 'packages', version, manager, imageSha256);
  const entryOf = (file: Cached) => downloadEntry(cache, imageSha256, { manager, ...file });
  // Read and hashed while the root starts.
  const opening = openListed(list, entryOf);
  opening.catch(() => {});
  const root = await command.begin().catch(async (error) => {
    await closeAll((await opening.catch(() => undefined))?.opened ?? []);
    throw error;
  });
  const { cached, opened } = await opening;
  if (cached === undefined) return root.run(argv, options);
  try {
    const files = opened.map(({ name, file }) =>
      createEntry(`${folder}/${name}`, 'file', file.size, () => readPieces(file, 0, file.size)),
    );
    await pushFolder(root, folder, files);
  } finally {
    await closeAll(opened);
  }
  const result = await root.run(argv, options);
  const collected = await collectNew(root, folder, entryOf);
  const others = cached.filter(({ name }) => !collected.some((other) => other.name === name));
  const all = [...collected, ...others];
  if (collected.length > 0) await writeList(list, all);
  return { ...result, downloads: all.map(({ name, size, sha256 }) => ({ manager, name, size, sha256 })) };
}

/** The command gets what is kept beside the lock, and no network. */
async function runOffline(
  { begin, argv, options, downloads: { folder } }: DownloadingCommand,
  vendored: readonly VendoredFile[],
): Promise<RunResult> {
  const root = await begin();
  const files = vendored.map(({ name, size, body }) => createEntry(`${folder}/${name}`, 'file', size, body));
  await pushFolder(root, folder, files);
  const environment = { ...options.environment, MOBY_PATCH_OFFLINE: '1' };
  const result = await root.run(argv, { ...options, environment, network: false });
  await root.collect(folder, async () => {});
  return { ...result, downloads: vendored };
}

async function pushFolder(root: CommandRoot, folder: string, files: readonly Entry[]): Promise<void> {
  const entries = [createEntry(folder, 'directory', 0), ...files];
  await root.push(entries.map((entry): Change => ({ op: 'put', entry })));
}

/** Digests first, so that what a lock names is found under its digest whatever other builds download. */
async function collectNew(
  root: CommandRoot,
  folder: string,
  entryOf: (file: Cached) => CacheEntry,
): Promise<Cached[]> {
  const collected: Cached[] = [];
  await root.collect(folder, async ({ name, body }: CollectedFile) => {
    if (!plainName.test(name)) return;
    await using scratch = await createScratch();
    const spooled = await createSpool(scratch.path).add(body);
    const file = { name, size: spooled.size, sha256: await digestBytes(spooled.body()) };
    if (await entryOf(file).write(spooled.body())) collected.push(file);
  });
  return collected;
}

/** Undefined when the cache cannot be written; the first list of an image is empty. */
async function readList(entry: CacheEntry): Promise<readonly Cached[] | undefined> {
  const list = await entry.read();
  return parseList(list) ?? ((await writeList(entry, [])) ? [] : undefined);
}

function parseList(list: Uint8Array | undefined): readonly Cached[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(list ?? []).toString());
    const isWhole = Array.isArray(value) && value.every(isCached);
    return isWhole ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCached(value: Partial<Cached> | null): boolean {
  const { name, size, sha256 } = value ?? {};
  if (typeof name !== 'string' || typeof sha256 !== 'string') return false;
  return plainName.test(name) && Number.isSafeInteger(size);
}

/** As many of the newest as a command may get; the others are forgotten. */
async function writeList(entry: CacheEntry, all: readonly Cached[]): Promise<boolean> {
  let left = sizeLimit;
  const list = all.filter(({ size }) => {
    left -= size;
    return left >= 0;
  });
  return entry.write(Buffer.from(JSON.stringify(list)));
}

interface OpenDownload {
  readonly name: string;
  readonly file: CachedFile;
}

async function openListed(list: CacheEntry, entry: (item: Cached) => CacheEntry) {
  const cached = await readList(list);
  const opened: OpenDownload[] = [];
  for (const item of cached ?? []) {
    const file = await entry(item).open();
    if (file !== undefined) opened.push({ name: item.name, file });
  }
  return { cached, opened };
}

async function closeAll(opened: readonly OpenDownload[]): Promise<void> {
  for (const { file } of opened) await file[Symbol.asyncDispose]();
}

function createEntry(path: string, type: EntryType, size: number, body: () => Bytes = noBytes): Entry {
  return { path, type, mode: type === 'directory' ? 0o700 : 0o600, uid: 0, gid: 0, mtime: 0, size, body };
}
