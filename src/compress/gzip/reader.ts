import { crc32, createInflateRaw } from 'node:zlib';
import { longestGzipHeader, parseGzipHeader } from '../../format/codec/gzip-header.js';
import { type InputFile, readRange } from '../../io/file/input-file.js';
import type { MobyPatchError } from '../../model/error/error.js';
import { createMemberError, createTruncatedError, hintToPackAgain, type MemberEnd } from '../codec.js';
import { createDirectInflate, decodeInPlace, type Unpacked } from '../in-place.js';
import { startFeeding } from './zlib-feed.js';

/** Large pieces cost fewer turns of the event loop; the next block of input waits when one is used up. */
const inflateOptions = { chunkSize: 512 * 1024, writableHighWaterMark: 1024 * 1024 };

/**
 * Decompresses one gzip member that starts at `offset`; returns where it ended.
 * CRC and length are checked: the kernel checks neither. Node's own gunzip is not used, since it stops
 * without a word at zeros between members and cannot tell where a member ends.
 */
export function readGzipMember(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  return readMember(file, offset, (body) => inflateAhead(file, body));
}

/** As `readGzipMember`, for a caller that is done with each piece when it asks for the next. */
export function scanGzipMember(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  return readMember(file, offset, (body) => {
    const direct = createDirectInflate();
    return direct === undefined
      ? inflateAhead(file, body)
      : decodeInPlace(direct, file, { from: body, end: file.size });
  });
}

async function* readMember(
  file: InputFile,
  offset: number,
  inflate: (body: number) => Unpacked,
): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const start = await file.read(offset, Math.min(offset + longestGzipHeader, file.size));
  const header = parseGzipHeader(start);
  if (typeof header === 'string') throw createHeaderError(file, offset, header);
  const body = offset + header.size;
  const pieces = inflate(body);
  let checksum = 0;
  let size = 0;
  let end = body;
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        end += next.value;
        break;
      }
      checksum = crc32(next.value, checksum);
      size += next.value.length;
      yield next.value;
    }
  } catch (cause) {
    throw createDeflateError(file, offset, cause);
  } finally {
    await pieces.return(0);
  }
  const trailer = await file.read(end, Math.min(end + 8, file.size));
  if (trailer.length === 0) throw createTruncatedError(file, { codec: 'gzip', offset });
  if (trailer.length < 8)
    throw createMemberError(file, {
      code: 'image-truncated',
      offset: end,
      message: 'the gzip member ends before its CRC and length',
    });
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  if (view.getUint32(0, true) !== checksum) {
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset: end,
      message:
        'the CRC of the gzip member is wrong: its data is damaged (a kernel would boot it without a word)',
    });
  }
  if (view.getUint32(4, true) !== size % 2 ** 32)
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset: end + 4,
      message: 'the length of the gzip member is wrong',
    });
  return { end: end + 8, level: header.level };
}

/** Inflates in another thread, which goes on while the caller works. */
async function* inflateAhead(file: InputFile, body: number): Unpacked {
  const inflate = createInflateRaw(inflateOptions);
  const feeding = startFeeding(readRange(file, body, file.size), inflate);
  try {
    yield* inflate as AsyncIterable<Buffer>;
    await feeding;
    return inflate.bytesWritten;
  } finally {
    inflate.destroy();
  }
}

function createHeaderError(file: InputFile, offset: number, problem: string): MobyPatchError {
  if (problem === 'truncated')
    return createMemberError(file, {
      code: 'image-truncated',
      offset,
      message: 'the file ends inside a gzip header',
    });
  if (problem === 'unsupported-flags') {
    return createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message: 'the gzip header has fields that the kernel does not skip (FEXTRA, FCOMMENT or FHCRC)',
      hint: hintToPackAgain(file, { codec: 'gzip', offset }),
    });
  }
  if (problem === 'old-magic')
    return createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message:
        'found the header of gzip 0.5 (1f 9e): a kernel takes it for gzip, and its gunzip then says "Not a gzip file"',
      hint: hintToPackAgain(file, { codec: 'gzip', offset }),
    });
  return createMemberError(file, {
    code: 'image-corrupt',
    offset,
    message: 'the gzip header names an unknown method',
  });
}

function createDeflateError(file: InputFile, offset: number, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'Z_BUF_ERROR') return createTruncatedError(file, { codec: 'gzip', offset });
  if (code === 'Z_DATA_ERROR')
    return createMemberError(file, {
      code: 'image-corrupt',
      offset,
      message: `the gzip member that starts here is damaged: ${(cause as Error).message}`,
    });
  return cause;
}
