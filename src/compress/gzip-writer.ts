import { constants, crc32, createDeflateRaw } from 'node:zlib';
import { encodeGzipHeader } from '../format/gzip-header.js';
import type { Bytes } from '../model/entry.js';
import { cacheRuns } from './cached-runs.js';
import type { Members, Settings } from './codec.js';
import { createDeflatePool } from './deflate-pool.js';
import type { Pieces } from './piece.js';
import { type RunCompressor, writeRuns } from './runs.js';
import { startFeeding } from './zlib-feed.js';

const MiB = 2 ** 20;
/** A run is in memory four to five times while it is compressed; a longer one goes through zlib, whose members are larger. */
const longest = { single: 192 * MiB, run: 16 * MiB };
/** zlib's higher levels cost many times the time for a hundredth of the size. */
const highestStreamLevel = 6;
const chunkSize = 256 * 1024;

/** `recipe`: what the members are cached under. */
export async function* writeGzip(
  source: Pieces,
  settings: Settings & { readonly runSize: number | undefined; readonly recipe: string },
): Members {
  const { cache, runSize, recipe } = settings;
  await using compressor = createGzipCompressor(settings);
  return yield* writeRuns(source, runSize, cache ? cacheRuns(compressor, cache, recipe) : compressor);
}

/** gzip members of libdeflate, each made in a thread. A kernel and `zcat` read them as one stream. */
function createGzipCompressor({ level, single }: Settings): RunCompressor {
  const pool = createDeflatePool();
  return {
    depth: pool.depth,
    longest: single ? longest.single : longest.run,
    async compress(run) {
      const { length } = run;
      const { bytes, checksum } = await pool.deflate(run, level);
      return Buffer.concat([encodeHeader(level), bytes, encodeTrailer(checksum, length)]);
    },
    stream: (source) => streamMember(source, single ? level : Math.min(level, highestStreamLevel)),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** One gzip member: the same bytes for the same input and zlib, whatever the machine's clock or name. */
async function* streamMember(source: Bytes, level: number): AsyncGenerator<Uint8Array, void, void> {
  yield encodeHeader(level);
  const deflate = createDeflateRaw({ level, chunkSize, memLevel: constants.Z_MAX_MEMLEVEL });
  let checksum = 0;
  let size = 0;
  const counted = (async function* () {
    for await (const piece of source) {
      checksum = crc32(piece, checksum);
      size += piece.length;
      yield piece;
    }
  })();
  const feeding = startFeeding(counted, deflate);
  try {
    yield* deflate as AsyncIterable<Buffer>;
    await feeding;
  } finally {
    deflate.destroy();
  }
  yield encodeTrailer(checksum, size);
}

function encodeHeader(level: number): Uint8Array {
  return encodeGzipHeader(level >= 7 ? 'best' : level === 1 ? 'fastest' : undefined);
}

function encodeTrailer(checksum: number, size: number): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return trailer;
}
