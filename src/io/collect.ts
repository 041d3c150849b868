import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';

/** A whole body in memory. Error `file-too-large`: it has more than `limit` bytes. */
export async function collectBytes(body: Bytes, limit: number, path: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > limit) {
      throw new MobyPatchError(
        'failed',
        'file-too-large',
        `the file has more than ${limit} bytes, too many to be read at once`,
        { path },
      );
    }
    pieces.push(piece.slice());
  }
  return Buffer.concat(pieces);
}
