import type { FileHandle } from 'node:fs/promises';
import { writeAt } from '../../../io/file/read-write.js';

export interface Appender {
  /** The bytes may be used again when it resolves. */
  put(bytes: Uint8Array, position: number): Promise<void>;
  /** Writes what waits. */
  end(): Promise<void>;
}

/** Bytes. */
const held = 2 ** 20;

/** Gathers small pieces into large writes. Positions only grow, and zeros fill the gaps. */
export function createAppender(file: FileHandle, start: number): Appender {
  let at = start;
  let filled = 0;
  const buffer = Buffer.alloc(held);
  const flush = async () => {
    await writeAt(file, buffer.subarray(0, filled), at);
    at += filled;
    filled = 0;
  };
  return {
    async put(bytes: Uint8Array, position: number): Promise<void> {
      const gap = position - at - filled;
      if (filled + gap + bytes.length > held) {
        await flush();
        at = position;
      } else {
        buffer.fill(0, filled, filled + gap);
        filled += gap;
      }
      if (bytes.length > held) {
        await writeAt(file, bytes, at);
        at += bytes.length;
        return;
      }
      buffer.set(bytes, filled);
      filled += bytes.length;
    },
    end: flush,
  };
}
