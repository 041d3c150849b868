import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Cache, CachedFile, CacheEntry, CacheKind } from '../model/cache.js';
import type { Bytes } from '../model/image/entry.js';
import { readAt, writeAt } from './file/read-write.js';
import { openRegular, readRegular } from './file/regular-file.js';
import { isRunning } from './process/process-record.js';

/** Bytes that a cache may hold after `trimCache`. */
export const usualCacheLimit = 2 * 2 ** 30;

/**
 * Each file begins with the digest of its place in the cache and of what follows: a disk that loses bytes, and a file that
 * came to the place of another, must not change an image.
 */
const digestSize = 32;
/** Bytes of a file that is read at once: what a Buffer can hold. */
const largestRead = 2 ** 31 - 2;
const pieceSize = 1024 * 1024;
const temporaryName = /^\.(\d+)-[0-9a-f]{12}$/;

/** What `--no-cache` uses: a cache that is empty and stays empty. */
export const noCache: Cache = {
  has: async () => false,
  read: async () => undefined,
  open: async () => undefined,
  write: async () => false,
};

export interface SealableCache extends Cache {
  /** From now on nothing is written: what follows has seen a secret. */
  seal(): void;
}

export function createSealableCache(cache: Cache): SealableCache {
  let isSealed = false;
  return {
    ...cache,
    write: async (...written) => !isSealed && cache.write(...written),
    seal() {
      isSealed = true;
    },
  };
}

/** What tells one entry of a kind from another. */
export type CachePart = string | number | readonly CachePart[];

/**
 * The entry for what is made from `parts`. `version` is raised by the code that writes this kind, when the same parts
 * give other content or when the content is written in another form.
 */
export function cacheEntry(
  cache: Cache,
  kind: CacheKind,
  version: number,
  ...parts: readonly CachePart[]
): CacheEntry {
  const key = createHash('sha256')
    .update(JSON.stringify([kind, version, ...parts]))
    .digest('hex');
  return {
    has: () => cache.has(kind, key),
    read: () => cache.read(kind, key),
    open: () => cache.open(kind, key),
    write: (content) => cache.write(kind, key, content),
  };
}

/**
 * A cache in a folder, which the first write creates. Files of other users, who may have swapped a folder above it, are no
 * entries. `log` gets one line when nothing can be written.
 */
export function openCache(folder: string, log: (line: string) => void): Cache {
  let failed = false;
  const locate = (kind: CacheKind, key: string): Place => ({
    path: join(folder, kind, key.slice(0, 2), key),
    name: `${kind} ${key}\n`,
  });
  return {
    has: (kind, key) =>
      stat(locate(kind, key).path).then(
        () => true,
        () => false,
      ),
    read: (kind, key) => readVerified(locate(kind, key)),
    open: (kind, key) => openVerified(locate(kind, key)),
    async write(kind, key, content) {
      if (failed) return false;
      try {
        await writeFile(locate(kind, key), content instanceof Uint8Array ? [content] : content);
        return true;
      } catch (error) {
        if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') throw error;
        failed = true;
        log(`the cache ${folder} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
        return false;
      }
    },
  };
}

/**
 * Removes the files used longest ago until at most `limit` bytes are left. The answer is in bytes. A file that cannot be
 * removed, or a folder that does not exist, is no error.
 */
export async function trimCache(folder: string, limit: number): Promise<{ removed: number; left: number }> {
  const files = await listFiles(folder);
  files.sort((one, other) => other.used - one.used);
  let left = 0;
  let removed = 0;
  for (const { path, size } of files) {
    if (left + size <= limit) left += size;
    else {
      await rm(path, { force: true });
      removed += size;
    }
  }
  return { removed, left };
}

interface Place {
  readonly path: string;
  /** What the digest begins with. */
  readonly name: string;
}

function createDigest({ name }: Place) {
  return createHash('sha256').update(name);
}

async function readVerified(place: Place): Promise<Uint8Array | undefined> {
  const { path } = place;
  const bytes = await readRegular(path, largestRead, { own: true }).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const content = bytes.subarray(digestSize);
  if (createDigest(place).update(content).digest().equals(bytes.subarray(0, digestSize))) {
    await markUsed(path);
    return content;
  }
  await rm(path, { force: true }).catch(() => {});
  return undefined;
}

async function openVerified(place: Place): Promise<CachedFile | undefined> {
  const { path } = place;
  const handle = await openRegular(path, { own: true }).catch(() => undefined);
  if (handle === undefined) return undefined;
  const size = await verify(handle, place).catch(() => undefined);
  if (size === undefined) {
    await handle.close();
    await rm(path, { force: true }).catch(() => {});
    return undefined;
  }
  await markUsed(path);
  return {
    size,
    read: (offset, end) => readAt(handle, digestSize + offset, digestSize + Math.min(end, size)),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

/** The size of the content; undefined when it is not what was written. */
async function verify(handle: FileHandle, place: Place): Promise<number | undefined> {
  const { size } = await handle.stat();
  const wanted = await readAt(handle, 0, digestSize);
  const hash = createDigest(place);
  for (let at = digestSize; at < size; at += pieceSize)
    hash.update(await readAt(handle, at, Math.min(at + pieceSize, size)));
  return wanted.length === digestSize && hash.digest().equals(wanted) ? size - digestSize : undefined;
}

/** The name appears when all is written. Two processes that write the same entry write the same bytes. */
async function writeFile(place: Place, content: Bytes | readonly Uint8Array[]): Promise<void> {
  const { path } = place;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      const hash = createDigest(place);
      let position = digestSize;
      for await (const piece of content) {
        hash.update(piece);
        await writeAt(handle, piece, position);
        position += piece.length;
      }
      await handle.write(hash.digest(), 0, digestSize, 0);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

interface ListedFile {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly used: number;
}

/** What `locate` makes of a kind and a key, and the names of what is being written: nothing else is ours. */
const entryPattern = /^([a-z]+)\/([0-9a-f]{2})\/(?:\2[0-9a-f]*|\.\d+-[0-9a-f]{12})$/;

/**
 * The files of a cache, and no others: MOBY_PATCH_CACHE may name a folder with more in it. Removes those that a process
 * which is gone left half-written.
 */
async function listFiles(folder: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!item.isFile()) continue;
    const path = join(item.parentPath ?? item.path, item.name);
    if (!isEntry(relative(folder, path))) continue;
    const writer = temporaryName.exec(item.name)?.[1];
    if (writer === undefined) {
      const status = await stat(path).catch(() => undefined);
      if (status !== undefined) files.push({ path, size: status.size, used: status.mtimeMs });
    } else if (!isRunning(Number(writer))) await rm(path, { force: true });
  }
  return files;
}

const kinds: Readonly<Record<CacheKind, true>> = {
  member: true,
  scan: true,
  members: true,
  bodies: true,
  import: true,
  root: true,
  steps: true,
  package: true,
  packages: true,
  verdict: true,
  built: true,
};

function isEntry(path: string): boolean {
  const kind = entryPattern.exec(path)?.[1];
  return kind !== undefined && Object.hasOwn(kinds, kind);
}
