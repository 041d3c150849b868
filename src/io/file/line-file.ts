import { closeSync, openSync, readSync } from 'node:fs';
import { writeAllSync } from './read-write.js';

/** A new file, for its owner alone, that is written in many small pieces of text. */
export interface LineFile extends Disposable {
  write(text: string): void;
  /** Appends the content of another file. */
  append(path: string): void;
  /** Writes the rest. It and `write` throw the errors of the system. Disposing closes the file without the rest. */
  close(): void;
}

const bufferSize = 64 * 1024;
const pieceSize = 512 * 1024;

/** Writes synchronously, so that a slow disk does not make text queue in memory. */
export function createLineFile(path: string): LineFile {
  const file = openSync(path, 'wx', 0o600);
  let buffered: string[] = [];
  let size = 0;
  let isOpen = true;

  function flush(): void {
    const bytes = Buffer.from(buffered.join(''));
    buffered = [];
    size = 0;
    writeAllSync(file, bytes);
  }

  function end(): void {
    if (isOpen) closeSync(file);
    isOpen = false;
  }

  return {
    write(text) {
      buffered.push(text);
      size += text.length;
      if (size >= bufferSize) flush();
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
