import type { InputFile } from '../io/file/input-file.js';

/** Bytes per read: one call reads headers that lie close together, and little is read between distant ones. */
const windowSize = 4096;

export interface HeaderCursor {
  /** The `size` bytes (at most 4096) at `offset`; fewer where the file ends. Valid until the next call. */
  at(offset: number, size: number): Uint8Array | Promise<Uint8Array>;
}

/** Reads small headers that are scattered over a file, without a system call for each. */
export function createHeaderCursor(file: InputFile): HeaderCursor {
  let window: Uint8Array = new Uint8Array();
  let start = 0;
  const slice = (offset: number, size: number) => window.subarray(offset - start, offset - start + size);
  return {
    at(offset, size) {
      if (offset >= start && offset + size <= start + window.length) return slice(offset, size);
      return load(offset, size);
    },
  };

  async function load(offset: number, size: number): Promise<Uint8Array> {
    window = await file.read(offset, Math.min(offset + windowSize, file.size));
    start = offset;
    return slice(offset, size);
  }
}
