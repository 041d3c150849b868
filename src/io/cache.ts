import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache, CacheEntry, CacheKind } from '../model/cache.js';
import { openVerified, type Place, readVerified, writeStream, writeWhole } from './cache-files.js';
import { isRunning } from './process/process-record.js';
import { createTurns } from './turns.js';

/** Bytes that a cache may hold after `trimCache`. */
export const usualCacheLimit = 2 * 2 ** 30;

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
    has: async (kind, key) => existsSync(locate(kind, key).path),
    read: (kind, key) => readVerified(locate(kind, key)),
    open: (kind, key) => openVerified(locate(kind, key)),
    async write(kind, key, content) {
      if (failed) return false;
      try {
        if (content instanceof Uint8Array) writeWhole(locate(kind, key), content);
        else await writeStream(locate(kind, key), content);
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
  const takeTurn = createTurns();
  const folders = Object.keys(kinds).flatMap((kind) =>
    listNames(join(folder, kind)).map((part) => join(kind, part)),
  );
  for (const part of folders) {
    await takeTurn();
    for (const name of listNames(join(folder, part))) {
      if (!entryPattern.test(`${part}/${name}`)) continue;
      const path = join(folder, part, name);
      const status = lstatSync(path, { throwIfNoEntry: false });
      const writer = temporaryName.exec(name)?.[1];
      if (!status?.isFile()) continue;
      if (writer === undefined) files.push({ path, size: status.size, used: status.mtimeMs });
      else if (!isRunning(Number(writer))) rmSync(path, { force: true });
    }
  }
  return files;
}

/** Nothing of what is no folder. */
function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
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
