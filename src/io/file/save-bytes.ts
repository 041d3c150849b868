import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Bytes } from '../../model/image/entry.js';

/** Writes a new file, for its owner alone. */
export async function saveBytes(path: string, bytes: Bytes, signal: AbortSignal): Promise<void> {
  await pipeline(bytes, createWriteStream(path, { mode: 0o600, flags: 'wx' }), { signal });
}
