import {
  computeAdler32,
  largestLzopBlock,
  longestLzopHeader,
  lzopBlockHeader,
  parseLzopHeader,
} from '../format/codec/lzop-header.js';
import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  hintToPackAgain,
  type MemberEnd,
} from './codec.js';
import { createHeaderCursor } from './header-cursor.js';
import { compress, decompressRange, type ProgramCodec, writeWhole } from './program-codec.js';

const program: ProgramCodec = { codec: 'lzo', package: 'lzop' };

export const lzo: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const { end, level } = await findLzopEnd(file, offset);
    yield* decompressRange({ ...program, argv: ['lzop', '-dcq'] }, { file, offset, end });
    return { end, level };
  },
  write: (source, { level, signal }) =>
    writeWhole(source, (bytes) =>
      clearTime(compress({ ...program, argv: ['lzop', '-cq', `-${level}`], signal }, bytes)),
    ),
};

export async function findLzopEnd(
  file: InputFile,
  offset: number,
): Promise<{ end: number; level: number | undefined }> {
  const cursor = createHeaderCursor(file);
  const header = parseLzopHeader(await cursor.at(offset, longestLzopHeader));
  if (header === 'truncated') throw createTruncatedError(file, { codec: 'lzo', offset });
  if (header === 'not-lzop')
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset,
      message: 'found no lzop header behind its first two bytes',
    });
  if (header === 'unsupported-flags')
    throw createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message:
        'found an lzop header without exactly one checksum a block, or with fields that a kernel does not skip',
      hint: hintToPackAgain(file, { codec: 'lzo', offset }),
    });
  for (let at = offset + header.size; ; ) {
    const bytes = await cursor.at(at, 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < 4) throw createTruncatedError(file, { codec: 'lzo', offset });
    const plain = view.getUint32(0);
    if (plain === 0) return { end: at + 4, level: header.level };
    if (bytes.length < 8) throw createTruncatedError(file, { codec: 'lzo', offset });
    const packed = view.getUint32(4);
    if (plain > largestLzopBlock || packed > plain || packed === 0)
      throw createMemberError(file, {
        code: 'image-corrupt',
        offset: at,
        message: `found an lzo block of ${packed} bytes for ${plain}, wanted at most ${largestLzopBlock}`,
      });
    at += lzopBlockHeader + packed;
    if (at > file.size) throw createTruncatedError(file, { codec: 'lzo', offset });
  }
}

/** `lzop` writes the time of day into the header, even into a pipe: zeros replace it. */
async function* clearTime(packed: Bytes): AsyncGenerator<Uint8Array, void, void> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of packed) {
    if (start === undefined) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    const header = parseLzopHeader(start);
    if (header === 'truncated') continue;
    if (typeof header === 'string' || header.checksum !== 'adler32')
      throw new MobyPatchError(
        'infrastructure',
        'program-unusable',
        'lzop wrote a header of an unknown form',
        {
          hint: 'lzop --version',
        },
      );
    start.fill(0, header.time.at, header.time.at + header.time.size);
    start.writeUInt32BE(computeAdler32(start.subarray(9, header.checksumAt)), header.checksumAt);
    yield start;
    start = undefined;
  }
}
