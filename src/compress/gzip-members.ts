import { encodeGzipHeader } from '../format/gzip-header.js';
import type { Bytes } from '../model/entry.js';
import type { Settings } from './codec.js';
import { createDeflatePool } from './deflate-pool.js';
import type { RunCompressor } from './runs.js';

const MiB = 2 ** 20;
/** Held four to five times while it is compressed; more goes through zlib, whose members are larger. */
const longestSingle = 192 * MiB;
/** zlib's higher levels cost many times the time for a hundredth of the size. */
const highestStreamLevel = 6;

/** How one member is written whose body is too large to be held. */
export type WriteStream = (source: Bytes, level: number) => Bytes;

/** gzip members of libdeflate, each made in a thread. A kernel and `zcat` read them as one stream. */
export function createGzipCompressor({ level, single }: Settings, writeStream: WriteStream): RunCompressor {
  const pool = createDeflatePool();
  return {
    depth: pool.depth,
    longest: single ? longestSingle : 16 * MiB,
    async compress(run) {
      const { length } = run;
      const { bytes, checksum } = await pool.deflate(run, level);
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(checksum, 0);
      trailer.writeUInt32LE(length % 2 ** 32, 4);
      const header = encodeGzipHeader(level >= 7 ? 'best' : level === 1 ? 'fastest' : undefined);
      return Buffer.concat([header, bytes, trailer]);
    },
    stream: (source) => writeStream(source, single ? level : Math.min(level, highestStreamLevel)),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
