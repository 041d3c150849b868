import { createHash } from 'node:crypto';
import { readPieces } from '../io/read-pieces.js';
import type { Cache, CachedFile } from '../model/cache.js';
import type { Change } from '../model/change.js';
import type { DownloadedFile, Executor } from '../model/engine.js';
import type { Bytes, Entry, EntryType } from '../model/entry.js';
import type { Downloads, RunOptions, RunResult } from '../model/workspace.js';

/** Bytes of one image's downloads that are given to a command. */
const givenLimit = 256 * 2 ** 20;
/** What apt and apk make of a package's name and version; nothing that leads elsewhere. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9+._~%:@-]{0,254}$/;

/** A download that is kept, newest first in the list of an image. */
interface Kept {
  readonly name: string;
  readonly size: number;
}

/**
 * Runs a command that finds in a folder what it downloaded in earlier builds of the same image, and leaves there
 * what is new. Without a cache there is no folder. The files are no proof of anything: whoever reads one must
 * check it, since a command of another patch may have made it.
 */
export async function runWithDownloads(
  executor: Executor,
  argv: readonly string[],
  options: RunOptions,
  { folder, manager }: Downloads,
  imageSha256: string,
  cache: Cache,
): Promise<RunResult> {
  const scope = `${manager} ${imageSha256}`;
  const kept = await readList(cache, scope);
  const opened = await openKept(kept, cache, scope);
  try {
    const files = opened.map(({ name, file }) =>
      createEntry(`${folder}/${name}`, 'file', file.size, () => readPieces(file, 0, file.size)),
    );
    const entries = [createEntry(folder, 'directory', 0), ...files];
    await executor.push(entries.map((entry): Change => ({ op: 'put', entry })));
  } finally {
    for (const { file } of opened) await file[Symbol.asyncDispose]();
  }
  const result = await executor.run(argv, options);
  const taken: Kept[] = [];
  await executor.take(folder, async ({ name, size, body }: DownloadedFile) => {
    if (!plainName.test(name)) return;
    await cache.write('package', formatKey(scope, name, size), body);
    taken.push({ name, size });
  });
  const others = kept.filter(({ name }) => !taken.some((other) => other.name === name));
  if (taken.length > 0) await writeList(cache, scope, [...taken, ...others]);
  return result;
}

async function readList(cache: Cache, scope: string): Promise<readonly Kept[]> {
  const list = await cache.read('package', formatKey(scope));
  return list === undefined ? [] : JSON.parse(Buffer.from(list).toString());
}

/** As many of the newest as may be given; the others are forgotten. */
async function writeList(cache: Cache, scope: string, all: readonly Kept[]): Promise<void> {
  let left = givenLimit;
  const list = all.filter(({ size }) => {
    left -= size;
    return left >= 0;
  });
  await cache.write('package', formatKey(scope), Buffer.from(JSON.stringify(list)));
}

async function openKept(kept: readonly Kept[], cache: Cache, scope: string) {
  const opened: { name: string; file: CachedFile }[] = [];
  for (const { name, size } of kept) {
    const file = await cache.open('package', formatKey(scope, name, size));
    if (file !== undefined) opened.push({ name, file });
  }
  return opened;
}

function formatKey(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function createEntry(path: string, type: EntryType, size: number, body: () => Bytes = nothing): Entry {
  return { path, type, mode: type === 'directory' ? 0o700 : 0o600, uid: 0, gid: 0, mtime: 0, size, body };
}

async function* nothing(): Bytes {}
