import { createHash } from 'node:crypto';
import { type InputFile, readRange } from '../io/file/input-file.js';

export interface HashedFile {
  /** The same file; the reader reads this one. */
  readonly file: InputFile;
  /** Hex SHA-256 of the whole file; reads what the reader left out. */
  digest(): Promise<string>;
}

/** Hashes a file while it is read from start to end; what the reader skips, or a program reads, is read here. */
export function hashWhileReading(file: InputFile): HashedFile {
  const hash = createHash('sha256');
  let hashed = 0;
  let rest: Promise<void> | undefined;

  function take(bytes: Uint8Array, offset: number): void {
    if (rest !== undefined || offset > hashed || hashed >= offset + bytes.length) return;
    hash.update(bytes.subarray(hashed - offset));
    hashed = offset + bytes.length;
  }

  async function hashRest(): Promise<void> {
    for await (const piece of readRange(file, hashed, file.size)) hash.update(piece);
  }

  function start(): Promise<void> {
    rest ??= hashRest();
    // The error surfaces in `digest`; without a call of that it must not raise an unhandled rejection.
    rest.catch(() => {});
    return rest;
  }

  return {
    file: {
      ...file,
      async read(offset, end) {
        const bytes = await file.read(offset, end);
        take(bytes, offset);
        return bytes;
      },
      fill(bytes, offset) {
        const size = file.fill(bytes, offset);
        take(bytes.subarray(0, size), offset);
        return size;
      },
      reopen() {
        start();
        return file.reopen();
      },
    },
    async digest() {
      await start();
      return hash.digest('hex');
    },
  };
}
