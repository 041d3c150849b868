import { encodeGzipHeader } from '../../format/gzip-header.js';
import type { Bytes } from '../../model/entry.js';
import { createDeflatePool } from './deflate-pool.js';
import type { RunCompressor } from './runs.js';

/** zlib's higher levels cost many times the time for a hundredth of the size. */
const highestStreamLevel = 6;

/** How one member is written whose body is too large to be held. */
export type WriteStream = (source: Bytes, level: number) => Bytes;

/** gzip members of libdeflate, each made in a thread. A kernel and `zcat` read them as one stream. */
export function createGzipCompressor(level: number, writeStream: WriteStream): RunCompressor {
  const pool = createDeflatePool();
  return {
    depth: pool.depth,
    longest: 16 * 1024 * 1024,
    async compress(run) {
      const { bytes, checksum } = await pool.deflate(run, level);
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(checksum, 0);
      trailer.writeUInt32LE(run.length % 2 ** 32, 4);
      const header = encodeGzipHeader(level === 9 ? 'best' : level === 1 ? 'fastest' : undefined);
      return Buffer.concat([header, bytes, trailer]);
    },
    stream: (source) => writeStream(source, Math.min(level, highestStreamLevel)),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
