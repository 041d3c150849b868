import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** The bytes from `offset` to `end`; fewer only where the file ends. */
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

/** Reads at once, into a buffer; how many bytes: fewer than it holds only where the file ends. */
export function fillAt(descriptor: number, bytes: Uint8Array, offset: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const size = readSync(descriptor, bytes, filled, bytes.length - filled, offset + filled);
    if (size === 0) break;
    filled += size;
  }
  return filled;
}
