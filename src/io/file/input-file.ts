import { constants, fstatSync } from 'node:fs';
import { copyFile, type FileHandle } from 'node:fs/promises';
import type { FileAccess } from '../../model/access.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import { createListQuestion } from '../place/access-list.js';
import { createTurns } from '../turns.js';
import { fillAt, readAt } from './read-write.js';
import { createUnreadableError, openRegular } from './regular-file.js';
import { giveSlab, takeSlab } from './slabs.js';

/** A regular file that is read at any position; it stays the same file when another is renamed over it. */
export interface InputFile extends AsyncDisposable {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** Where the file that `name` is begins, when it is one of several that were joined; offsets are those of all. */
  readonly start?: number;
  /** Ends a program that reads it, even one that is silent. */
  readonly signal?: AbortSignal | undefined;
  readonly access: FileAccess;
  /** The bytes from `offset` up to `end`; fewer only where the file ends. */
  read(offset: number, end: number): Promise<Uint8Array>;
  /** Reads synchronously into a buffer of the caller; how many bytes: fewer than it has room for only at the end. */
  fill(bytes: Uint8Array, offset: number): number;
  /** Another handle on the same file with a position of its own, for a program to read from. */
  reopen(): Promise<FileHandle>;
  /** Copies it to a path that is free, in the kernel; the copy has its permissions. */
  copy(destination: string): Promise<void>;
  /** Error `image-changed` when the file was written to since it was opened. */
  assertUnchanged(): Promise<void>;
}

/** Bytes per read: large enough that the calls cost nothing beside decompression. */
const blockSize = 512 * 1024;
/** Blocks in memory: short members follow each other in one block, and two passes may run side by side. */
const mostBlocks = 4;

/** Errors (`invalid`): `image-unreadable`. `name`: what messages call the file. */
export async function openInputFile(path: string, name = path): Promise<InputFile> {
  const handle = await openRegular(path).catch((cause) => {
    throw createReadError(name, cause);
  });
  try {
    return await createInputFile(handle, path, name);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function createInputFile(handle: FileHandle, path: string, name: string): Promise<InputFile> {
  const opened = fstatSync(handle.fd, { bigint: true });
  const size = Number(opened.size);
  const blocks = new Map<number, Promise<Uint8Array>>();
  const readAnew = (offset: number, end: number) =>
    readAt(handle, offset, end).catch((cause) => {
      throw createReadError(name, cause);
    });
  const readBlock = (index: number) => {
    const block = blocks.get(index) ?? readAnew(index * blockSize, Math.min((index + 1) * blockSize, size));
    blocks.delete(index);
    blocks.set(index, block);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= mostBlocks) break;
      blocks.delete(oldest);
    }
    return block;
  };
  const read = async (offset: number, end: number) => {
    const index = Math.floor(offset / blockSize);
    const start = index * blockSize;
    if (offset >= end || end > start + blockSize) return readAnew(offset, end);
    return (await readBlock(index)).subarray(offset - start, end - start);
  };
  // The name may lead to another file by now; Linux can open the one behind a descriptor.
  const same = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
  return {
    name,
    path,
    size,
    access: {
      mode: Number(opened.mode),
      uid: Number(opened.uid),
      gid: Number(opened.gid),
      hasList: createListQuestion(path),
    },
    read,
    fill(bytes, offset) {
      try {
        return fillAt(handle.fd, bytes, offset);
      } catch (cause) {
        throw createReadError(name, cause as NodeJS.ErrnoException);
      }
    },
    async reopen() {
      const other = await openRegular(same);
      const now = fstatSync(other.fd, { bigint: true });
      if (now.dev === opened.dev && now.ino === opened.ino && now.size === opened.size) return other;
      await other.close();
      throw createChangedError(name, 'the file was replaced while it was read');
    },
    copy: (destination) => copyFile(same, destination, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
    async assertUnchanged() {
      const now = fstatSync(handle.fd, { bigint: true });
      if (now.size === opened.size && now.mtimeNs === opened.mtimeNs) return;
      throw createChangedError(name, 'the file was written to while it was read');
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Error `image-unreadable`: of kind `infrastructure` when the machine is at fault, else `invalid`. */
export function createReadError(path: string, cause: unknown): MobyPatchError {
  const isStream = cause instanceof MobyPatchError && cause.code === 'file-not-regular';
  const hint = isStream ? 'give a file, or - for standard input' : undefined;
  return createUnreadableError(cause, { code: 'image-unreadable', what: 'the file', path, hint });
}

export function createChangedError(name: string, message: string): MobyPatchError {
  return new MobyPatchError('failed', 'image-changed', message, {
    path: name,
    hint: 'run it again when nothing writes to the file',
  });
}

export function createShortenedError(path: string, offset: number): MobyPatchError {
  const message = 'the file became shorter while it was read';
  return new MobyPatchError('failed', 'image-changed', message, { path, offset });
}

/**
 * Reads a range in pieces that stay valid, one ahead of the consumer; consecutive ranges share what was read
 * ahead.
 */
export async function* readRange(
  file: InputFile,
  offset: number,
  end: number,
): Bytes & AsyncGenerator<Uint8Array> {
  const findEnd = (at: number) => Math.min((Math.floor(at / blockSize) + 1) * blockSize, end);
  const begin = (at: number) => {
    const reading = file.read(at, findEnd(at));
    // The error surfaces when the piece is awaited; an unawaited piece must not raise an unhandled rejection.
    reading.catch(() => {});
    return reading;
  };
  let next = offset < end ? begin(offset) : undefined;
  for (let at = offset; next !== undefined; ) {
    const wanted = findEnd(at);
    const piece = await next;
    next = wanted < end ? begin(wanted) : undefined;
    if (piece.length < wanted - at) throw createShortenedError(file.name, at);
    yield piece;
    at = wanted;
  }
}

/** Bytes; they stay in the cache of the processor. */
const passingSize = 256 * 1024;

/**
 * The same for a caller that only reads each piece, and is done with it when it asks for the next: always in the same buffer, in
 * this thread, since to wait for another one takes longer than to read what is in memory.
 */
export async function* passRange(
  file: Pick<InputFile, 'fill' | 'name' | 'signal'>,
  offset: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  const takeTurn = createTurns(file.signal);
  const slab = takeSlab();
  try {
    for (let at = offset; at < end; ) {
      // Not a Buffer, whose `slice` copies nothing.
      const piece = new Uint8Array(slab.buffer, 0, Math.min(passingSize, end - at));
      if (file.fill(piece, at) < piece.length) throw createShortenedError(file.name, at);
      yield piece;
      at += piece.length;
      await takeTurn();
    }
  } finally {
    giveSlab(slab.buffer as ArrayBuffer);
  }
}

/**
 * Moves the position of an open file onwards; Node has no call to set it. The position belongs to the open file, so a
 * program that has the file as its standard input goes on from there, and moves our position.
 */
export async function skipBytes(handle: FileHandle, count: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(blockSize, count));
  for (let left = count; left > 0; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(left, blockSize), null);
    if (bytesRead === 0) return;
    left -= bytesRead;
  }
}
