import { once } from 'node:events';
import { promisify } from 'node:util';
import { constants, crc32, createDeflateRaw, createInflateRaw, gunzip } from 'node:zlib';
import { encodeGzipHeader, parseGzipHeader } from '../../format/gzip-header.js';
import type { Bytes } from '../../model/entry.js';
import type { MobyPatchError } from '../../model/error.js';
import { type InputFile, readRange } from '../input-file.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  type MemberEnd,
} from './codec.js';
import { takeMember } from './gzip-ahead.js';
import { runSize } from './marks.js';

type ZlibStream = ReturnType<typeof createInflateRaw> | ReturnType<typeof createDeflateRaw>;

const pieceSize = 256 * 1024;
/** Large pieces cost fewer turns; of what goes in the next block waits already when one is used up. */
const inflateOptions = { chunkSize: 512 * 1024, writableHighWaterMark: 1024 * 1024 };
/** A header with a name longer than this is nobody's; the kernel has no limit of its own. */
const longestHeader = 4096;

export const gzip: CodecImplementation = {
  read: readGzipMember,
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
  return `gzip libdeflate-0.1.0 ${level}`;
}

/**
 * Decompresses one gzip member that starts at `offset`; the generator's value is where it ended.
 * CRC and length are checked: the kernel checks neither. Node's own gunzip is not used, since it stops
 * without a word at zeros between members and cannot tell where a member ends.
 */
async function* readGzipMember(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const whole = await takeMember(file, offset);
  if (whole !== undefined) {
    yield whole.bytes;
    return whole.end;
  }
  const start = await file.read(offset, Math.min(offset + longestHeader, file.size));
  const header = parseGzipHeader(start);
  if (typeof header === 'string') throw createHeaderError(file, offset, header);
  const inflate = createInflateRaw(inflateOptions);
  const body = offset + header.size;
  const feeding = startFeeding(readRange(file, body, file.size), inflate);
  let checksum = 0;
  let size = 0;
  try {
    for await (const piece of inflate as AsyncIterable<Buffer>) {
      checksum = crc32(piece, checksum);
      size += piece.length;
      yield piece;
    }
    await feeding;
  } catch (cause) {
    throw createDeflateError(file, offset, cause);
  } finally {
    inflate.destroy();
  }
  const end = body + inflate.bytesWritten;
  const trailer = await file.read(end, Math.min(end + 8, file.size));
  if (trailer.length < 8)
    throw createMemberError(file, 'image-truncated', end, 'the gzip member ends before its CRC and length');
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  if (view.getUint32(0, true) !== checksum) {
    throw createMemberError(
      file,
      'image-corrupt',
      end,
      'the CRC of the gzip member is wrong: its data is damaged (a kernel would boot it without a word)',
    );
  }
  if (view.getUint32(4, true) !== size % 2 ** 32)
    throw createMemberError(file, 'image-corrupt', end + 4, 'the length of the gzip member is wrong');
  return { end: end + 8, level: header.level };
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

/** A source that fails ends the stream with the same error; the promise rejects with it too. */
function startFeeding(source: Bytes, sink: ZlibStream): Promise<void> {
  const feeding = feed(source, sink);
  feeding.catch((cause) => sink.destroy(cause));
  return feeding;
}

/** Writes a source into a zlib stream, no faster than it takes it; ends early when the stream has ended. */
async function feed(source: Bytes, sink: ZlibStream): Promise<void> {
  let closed = false;
  const closing = once(sink, 'close').then(
    () => {
      closed = true;
    },
    () => {
      closed = true;
    },
  );
  for await (const piece of source) {
    if (closed || sink.readableEnded) return;
    if (!sink.write(piece)) await Promise.race([once(sink, 'drain').catch(() => {}), closing]);
  }
  if (!closed) sink.end();
}

function createHeaderError(file: InputFile, offset: number, problem: string): MobyPatchError {
  if (problem === 'truncated')
    return createMemberError(file, 'image-truncated', offset, 'the file ends inside a gzip header');
  if (problem === 'unsupported-flags') {
    return createMemberError(
      file,
      'image-unsupported',
      offset,
      'the gzip header has fields that the kernel does not skip (FEXTRA, FCOMMENT or FHCRC)',
      'compress it again with: gzip -n',
    );
  }
  return createMemberError(file, 'image-corrupt', offset, 'the gzip header names an unknown method');
}

function createDeflateError(file: InputFile, offset: number, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'Z_BUF_ERROR') return createTruncatedError(file, 'gzip', offset);
  if (code === 'Z_DATA_ERROR')
    return createMemberError(
      file,
      'image-corrupt',
      offset,
      `the gzip member that starts here is damaged: ${(cause as Error).message}`,
    );
  return cause;
}
