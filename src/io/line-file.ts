import { closeSync, openSync, writeSync } from 'node:fs';

/** A new file of many small pieces of text. */
export interface LineFile {
  write(text: string): void;
  /** Writes what is held, too; an error of the system is thrown here or by `write`. */
  close(): void;
}

const heldSize = 64 * 1024;

/** Neither waits nor queues: what the disk does not take at once is not kept in memory. */
export function createLineFile(path: string, mode: number): LineFile {
  const file = openSync(path, 'wx', mode);
  let held: string[] = [];
  let size = 0;

  function flush(): void {
    const bytes = Buffer.from(held.join(''));
    held = [];
    size = 0;
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  }

  return {
    write(text) {
      held.push(text);
      size += text.length;
      if (size >= heldSize) flush();
    },
    close() {
      try {
        flush();
      } finally {
        closeSync(file);
      }
    },
  };
}
