import {
  bzip2MarkSpan,
  findBzip2Marks,
  foldBzip2Checksum,
  parseBzip2Header,
} from '../format/codec/bzip2-marks.js';
import type { InputFile } from '../io/file/input-file.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  type MemberEnd,
} from './codec.js';
import { compress, decompressRange, type ProgramCodec, writeWhole } from './program-codec.js';

const program: ProgramCodec = { codec: 'bzip2', package: 'bzip2' };
const windowSize = 256 * 1024;

export const bzip2: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const start = await file.read(offset, Math.min(offset + 4, file.size));
    if (start.length < 4) throw createTruncatedError(file, { codec: 'bzip2', offset });
    const level = parseBzip2Header(start);
    if (level === undefined)
      throw createMemberError(file, {
        code: 'image-corrupt',
        offset,
        message: 'found no bzip2 header behind its first two bytes',
      });
    const end = await findBzip2End(file, offset);
    yield* decompressRange({ ...program, argv: ['bzip2', '-dcq'] }, { file, offset, end });
    return { end, level };
  },
  write: (source, { level, signal }) =>
    writeWhole(source, (bytes) =>
      compress({ ...program, argv: ['bzip2', '-cq', `-${level}`], signal }, bytes),
    ),
};

/**
 * A stream does not tell its size. Its end mark is searched at every bit, and accepted when the checksum behind it is
 * that of all block checksums since the start: data would need 80 right bits by chance.
 */
export async function findBzip2End(file: InputFile, offset: number): Promise<number> {
  let checksum = 0;
  let ends = 0;
  for (let at = offset + 4; at < file.size; at += windowSize) {
    const window = await file.read(at, Math.min(at + windowSize + bzip2MarkSpan, file.size));
    for (const mark of findBzip2Marks(window, windowSize)) {
      if (mark.kind === 'block') checksum = foldBzip2Checksum(checksum, mark.checksum);
      else if (mark.checksum === checksum) return at + Math.ceil(mark.endBit / 8);
      else ends += 1;
    }
  }
  if (ends === 0) throw createTruncatedError(file, { codec: 'bzip2', offset });
  const message = 'the bzip2 member that starts here is damaged: its checksum is not that of its blocks';
  throw createMemberError(file, { code: 'image-corrupt', offset, message });
}
