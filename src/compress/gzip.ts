import { promisify } from 'node:util';
import { constants, crc32, createDeflateRaw, gunzip } from 'node:zlib';
import { encodeGzipHeader } from '../format/gzip-header.js';
import type { Bytes } from '../model/entry.js';
import type { CodecImplementation } from './codec.js';
import { readGzipMember, scanGzipMember } from './gzip-reader.js';
import { runSize } from './marks.js';
import { startFeeding } from './zlib-feed.js';

const pieceSize = 256 * 1024;

export const gzip: CodecImplementation = {
  read: readGzipMember,
  scan: scanGzipMember,
  async *write(source, settings) {
    const { level, cache } = settings;
    // Most commands only read.
    const [{ createGzipCompressor }, { keepRuns }, { writeRuns }] = await Promise.all([
      import('./gzip-members.js'),
      import('./kept-runs.js'),
      import('./runs.js'),
    ]);
    await using compressor = createGzipCompressor(settings, writeGzipMember);
    yield* writeRuns(source, cache ? keepRuns(compressor, cache, createRecipe(level)) : compressor);
  },
  // A member of less costs size: a hundredth at a quarter of it.
  runSize: () => runSize,
  runs: {
    recipe: ({ level }) => createRecipe(level),
    decode: (member, limit) => promisify(gunzip)(member, { maxOutputLength: limit }),
  },
};

function createRecipe(level: number): string {
  return `gzip libdeflate-1.23 ${level}`;
}

/** One gzip member: the same bytes for the same input and zlib, whatever the machine's clock or name. */
async function* writeGzipMember(source: Bytes, level: number): AsyncGenerator<Uint8Array, void, void> {
  yield encodeGzipHeader(level >= 7 ? 'best' : level === 1 ? 'fastest' : undefined);
  const deflate = createDeflateRaw({ level, chunkSize: pieceSize, memLevel: constants.Z_MAX_MEMLEVEL });
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
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, checksum, true);
  trailer.setUint32(4, size % 2 ** 32, true);
  yield new Uint8Array(trailer.buffer);
}
