import { bzip2MarkSpan, findBzip2Marks, foldBzip2Checksum, parseBzip2Header } from '../format/bzip2-marks.js';
import type { InputFile } from '../io/input-file.js';
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
    if (start.length < 4) throw createTruncatedError(file, 'bzip2', offset);
    const level = parseBzip2Header(start);
    if (level === undefined)
      throw createMemberError(
        file,
        'image-corrupt',
        offset,
        'found no bzip2 header behind its first two bytes',
      );
    const end = await findBzip2End(file, offset);
    yield* decompressRange(program, ['bzip2', '-dcq'], file, offset, end);
    return { end, level };
  },
  write: (source, { level }) =>
    writeWhole(source, (bytes) => compress(program, ['bzip2', '-cq', `-${level}`], bytes)),
};

/**
 * A stream tells no sizes. Its end mark is found among all bits and believed when the checksum behind it is
 * that of all block checksums since its start: 80 bits that data would have to have by chance.
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
  if (ends === 0) throw createTruncatedError(file, 'bzip2', offset);
  const message = 'the bzip2 member that starts here is damaged: its checksum is not that of its blocks';
  throw createMemberError(file, 'image-corrupt', offset, message);
}
