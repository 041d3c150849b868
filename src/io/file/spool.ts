import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '../../model/image/entry.js';

export interface SpooledBody {
  readonly size: number;
  body(): Bytes;
}

export interface Spool {
  /** Reads a stream to its end and stores it: a small one in memory, any other in a file. */
  add(body: Bytes): Promise<SpooledBody>;
}

const mostInMemory = 64 * 1024;

/** A store for bodies that must outlive the stream they came in. The caller removes the folder. */
export function createSpool(folder: string): Spool {
  let count = 0;
  return {
    async add(body) {
      const head: Buffer[] = [];
      let size = 0;
      const source = body[Symbol.asyncIterator]();
      for (let next = await source.next(); ; next = await source.next()) {
        if (next.done) return holdBytes(Buffer.concat(head));
        head.push(Buffer.from(next.value));
        size += next.value.length;
        if (size > mostInMemory) break;
      }
      count += 1;
      const path = join(folder, `body-${count}`);
      const file = await open(path, 'wx', 0o600);
      try {
        await file.appendFile(Buffer.concat(head));
        for (let next = await source.next(); !next.done; next = await source.next()) {
          await file.appendFile(next.value);
          size += next.value.length;
        }
      } finally {
        await file.close();
        await source.return?.();
      }
      return { size, body: () => createReadStream(path) };
    },
  };
}

/** A body that is already in memory. */
export function holdBytes(bytes: Uint8Array): SpooledBody {
  return {
    size: bytes.length,
    async *body() {
      if (bytes.length > 0) yield bytes;
    },
  };
}
