import { open } from 'node:fs/promises';
import type { Bytes } from '../../model/image/entry.js';
import { abortable } from '../abortable.js';
import { gatherBytes } from '../gather-bytes.js';
import { giveSlab } from './slabs.js';

/** Writes a new file, for its owner alone. A piece need not stay valid when the next one is asked for. */
export async function saveBytes(path: string, bytes: Bytes, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  for await (const piece of gatherBytes(abortable(bytes, signal))) {
    await file.appendFile(piece);
    giveSlab(piece.buffer as ArrayBuffer);
  }
}
