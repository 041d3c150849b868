import { cacheEntry } from '../io/cache.js';
import { readPieces } from '../io/file/read-write.js';
import type { Cache, CachedFile, CacheEntry } from '../model/cache.js';
import type { Change } from '../model/image/change.js';
import type { Bytes, Entry, EntryType } from '../model/image/entry.js';
import type { CollectedFile, CommandRoot } from '../model/patch/engine.js';
import type { Downloads, RunOptions, RunResult } from '../model/patch/workspace.js';

/** Bytes of an image's downloads that a command gets at most. */
const sizeLimit = 256 * 2 ** 20;
/** The names that apt and apk form from a package's name and version; none that leads out of the folder. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9+._~%:@-]{0,254}$/;

/** Raised when the list is written in another way. */
const version = 1;

/** A download in the cache; the list of an image has the newest first. */
interface Cached {
  readonly name: string;
  readonly size: number;
}

export interface DownloadingCommand {
  readonly root: CommandRoot;
  readonly argv: readonly string[];
  readonly options: RunOptions;
  readonly downloads: Downloads;
  readonly imageSha256: string;
  readonly cache: Cache;
}

/**
 * Runs a command that finds in a folder what it downloaded in earlier builds of the same image, and leaves there
 * what is new. There is no folder when the cache cannot be written. The files prove nothing: their reader must
 * check them, since a command of another patch may have made them.
 */
export async function runWithDownloads({
  root,
  argv,
  options,
  downloads: { folder, manager },
  imageSha256,
  cache,
}: DownloadingCommand): Promise<RunResult> {
  const list = cacheEntry(cache, 'packages', version, manager, imageSha256);
  const file = ({ name, size }: Cached) =>
    cacheEntry(cache, 'package', version, manager, imageSha256, name, size);
  const cached = await readList(list);
  if (cached === undefined) return root.run(argv, options);
  const opened = await openCached(cached, file);
  try {
    const files = opened.map(({ name, file }) =>
      createEntry(`${folder}/${name}`, 'file', file.size, () => readPieces(file, 0, file.size)),
    );
    const entries = [createEntry(folder, 'directory', 0), ...files];
    await root.push(entries.map((entry): Change => ({ op: 'put', entry })));
  } finally {
    for (const { file } of opened) await file[Symbol.asyncDispose]();
  }
  const result = await root.run(argv, options);
  const collected: Cached[] = [];
  await root.collect(folder, async ({ name, size, body }: CollectedFile) => {
    if (!plainName.test(name)) return;
    await file({ name, size }).write(body);
    collected.push({ name, size });
  });
  const others = cached.filter(({ name }) => !collected.some((other) => other.name === name));
  if (collected.length > 0) await writeList(list, [...collected, ...others]);
  return result;
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
  return typeof value?.name === 'string' && plainName.test(value.name) && Number.isSafeInteger(value.size);
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

async function openCached(cached: readonly Cached[], entry: (item: Cached) => CacheEntry) {
  const opened: { name: string; file: CachedFile }[] = [];
  for (const item of cached) {
    const file = await entry(item).open();
    if (file !== undefined) opened.push({ name: item.name, file });
  }
  return opened;
}

function createEntry(path: string, type: EntryType, size: number, body: () => Bytes = nothing): Entry {
  return { path, type, mode: type === 'directory' ? 0o700 : 0o600, uid: 0, gid: 0, mtime: 0, size, body };
}

async function* nothing(): Bytes {}
