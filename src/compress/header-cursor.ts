import type { InputFile } from '../io/file/input-file.js';
import { createTurns } from '../io/turns.js';

/** Bytes per read: one call reads headers that lie close together, and little is read between distant ones. */
const windowSize = 4096;

export interface HeaderCursor {
  /** The `size` bytes (at most 4096) at `offset`; fewer where the file ends. Valid until the next call. */
  at(offset: number, size: number): Uint8Array | Promise<Uint8Array>;
}

/** Reads small headers that are scattered over a file, without a system call for each, and skips what lies between them. */
export function createHeaderCursor(file: InputFile): HeaderCursor {
  const buffer = new Uint8Array(windowSize);
  const takeTurn = createTurns(file.signal);
  let window = buffer.subarray(0, 0);
  let start = 0;
  const slice = (offset: number, size: number) => window.subarray(offset - start, offset - start + size);
  const load = (offset: number, size: number) => {
    window = buffer.subarray(0, file.fill(buffer, offset));
    start = offset;
    return slice(offset, size);
  };
  return {
    at(offset, size) {
      if (offset >= start && offset + size <= start + window.length) return slice(offset, size);
      return takeTurn()?.then(() => load(offset, size)) ?? load(offset, size);
    },
  };
}
