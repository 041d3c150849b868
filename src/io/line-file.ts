import { closeSync, openSync, readSync } from 'node:fs';
import { writeAllSync } from './read-write.js';

/** A new file of many small pieces of text. */
export interface LineFile extends Disposable {
  write(text: string): void;
  /** Adds all that is in another file. */
  append(path: string): void;
  /** Writes what is held, too; an error of the system is thrown here or by `write`. Disposing drops it. */
  close(): void;
}

const heldSize = 64 * 1024;
const pieceSize = 512 * 1024;

/** Neither waits nor queues: what the disk does not take at once is not kept in memory. */
export function createLineFile(path: string, mode: number): LineFile {
  const file = openSync(path, 'wx', mode);
  let held: string[] = [];
  let size = 0;
  let isOpen = true;

  function flush(): void {
    const bytes = Buffer.from(held.join(''));
    held = [];
    size = 0;
    writeAllSync(file, bytes);
  }

  function end(): void {
    if (isOpen) closeSync(file);
    isOpen = false;
  }

  return {
    write(text) {
      held.push(text);
      size += text.length;
      if (size >= heldSize) flush();
    },
    append(other) {
      flush();
      const source = openSync(other, 'r');
      try {
        const piece = Buffer.allocUnsafe(pieceSize);
        for (let read = readSync(source, piece); read > 0; read = readSync(source, piece))
          writeAllSync(file, piece.subarray(0, read));
      } finally {
        closeSync(source);
      }
    },
    close() {
      try {
        flush();
      } finally {
        end();
      }
    },
    [Symbol.dispose]: end,
  };
}
