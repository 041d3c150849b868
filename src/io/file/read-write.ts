import { readSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Bytes } from '../../model/image/entry.js';

// A system call may read or write less than it is asked to; these go on to the end.

const pieceSize = 256 * 1024;

/** The bytes from `offset` up to `end`; fewer only where the file ends. */
export async function readAt(handle: FileHandle, offset: number, end: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.max(0, end - offset));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Reads synchronously into a buffer; how many bytes: fewer than it has room for only where the file ends. */
export function fillAt(descriptor: number, bytes: Uint8Array, offset: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const size = readSync(descriptor, bytes, filled, bytes.length - filled, offset + filled);
    if (size === 0) break;
    filled += size;
  }
  return filled;
}

/** The bytes from `start` up to `end` of anything that can be read at a position, in pieces of at most 256 KiB. */
export async function* readPieces(
  file: { read(offset: number, end: number): Promise<Uint8Array> },
  start: number,
  end: number,
): Bytes {
  for (let at = start; at < end; at += pieceSize) yield await file.read(at, Math.min(end, at + pieceSize));
}

/** `position`: bytes from the start of the file. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** Writes synchronously at the descriptor's own position. */
export function writeAllSync(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
