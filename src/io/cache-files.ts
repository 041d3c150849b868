import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CachedFile } from '../model/cache.js';
import type { Bytes } from '../model/image/entry.js';
import { readAt, writeAllSync, writeAt } from './file/read-write.js';
import { openRegular, readRegular, readSmallSync } from './file/regular-file.js';
import { giveSlab } from './file/slabs.js';
import { gatherBytes } from './gather-bytes.js';

// To hand a call to another thread and back takes longer than most calls, and a build reads and writes a hundred files here,
// with six calls for each: what is in memory at once is read and written in this thread.

/**
 * Each file begins with the digest of its place in the cache and of what follows: a disk that loses bytes, and a file that
 * came to the place of another, must not change an image.
 */
const digestSize = 32;
/** Bytes of a file that is read at once: what a Buffer can hold. */
const largestRead = 2 ** 31 - 2;
/** Bytes of a file that is read in this thread. */
const mostAtOnce = 8 * 2 ** 20;
const pieceSize = 1024 * 1024;

/** A file of a cache. */
export interface Place {
  readonly path: string;
  /** What the digest begins with. */
  readonly name: string;
}

function createDigest({ name }: Place) {
  return createHash('sha256').update(name);
}

export async function readVerified(place: Place): Promise<Uint8Array | undefined> {
  const { path } = place;
  const small = readSmallSync(path, mostAtOnce, { own: true });
  const bytes =
    small === 'larger' ? await readRegular(path, largestRead, { own: true }).catch(() => undefined) : small;
  if (bytes === undefined) return undefined;
  const content = bytes.subarray(digestSize);
  if (createDigest(place).update(content).digest().equals(bytes.subarray(0, digestSize))) {
    markUsed(path);
    return content;
  }
  await rm(path, { force: true }).catch(() => {});
  return undefined;
}

export async function openVerified(place: Place): Promise<CachedFile | undefined> {
  const { path } = place;
  const handle = await openRegular(path, { own: true }).catch(() => undefined);
  if (handle === undefined) return undefined;
  const size = await verify(handle, place).catch(() => undefined);
  if (size === undefined) {
    await handle.close();
    await rm(path, { force: true }).catch(() => {});
    return undefined;
  }
  markUsed(path);
  return {
    size,
    read: (offset, end) => readAt(handle, digestSize + offset, digestSize + Math.min(end, size)),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function markUsed(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Of another user's cache, or gone.
  }
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
export async function writeStream(place: Place, content: Bytes): Promise<void> {
  const temporary = nameTemporary(place);
  try {
    await using handle = await open(temporary, 'wx', 0o600);
    const hash = createDigest(place);
    let position = digestSize;
    for await (const piece of gatherBytes(content)) {
      hash.update(piece);
      await writeAt(handle, piece, position);
      position += piece.length;
      giveSlab(piece.buffer as ArrayBuffer);
    }
    await handle.write(hash.digest(), 0, digestSize, 0);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  renameSync(temporary, place.path);
}

/** The same for what is in memory, in this thread. */
export function writeWhole(place: Place, content: Uint8Array): void {
  const temporary = nameTemporary(place);
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeAllSync(descriptor, createDigest(place).update(content).digest());
    writeAllSync(descriptor, content);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, place.path);
}

/** In its folder, which is made. */
function nameTemporary({ path }: Place): string {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `.${process.pid}-${randomBytes(6).toString('hex')}`);
}
