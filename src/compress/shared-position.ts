import type { FileHandle } from 'node:fs/promises';

const pieceSize = 1024 * 1024;

/**
 * Moves the position of an open file onwards; Node has no call to set one. The position belongs to the open
 * file itself, so a program that has it as its standard input goes on from there, and moves ours.
 */
export async function skipBytes(handle: FileHandle, count: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceSize, count));
  for (let left = count; left > 0; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(left, pieceSize), null);
    if (bytesRead === 0) return;
    left -= bytesRead;
  }
}

/** Bytes from the position to the end; the position is at the end then. */
export async function countRest(handle: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(pieceSize);
  for (let count = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, pieceSize, null);
    if (bytesRead === 0) return count;
    count += bytesRead;
  }
}
