import {
  longestZstdHeader,
  parseZstdBlock,
  parseZstdHeader,
  type ZstdHeader,
} from '../../format/zstd-frame.js';
import type { InputFile } from '../input-file.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  type MemberEnd,
} from './codec.js';
import { createHeaderCursor } from './header-cursor.js';
import { compress, decompressRange, type ProgramCodec } from './program-codec.js';

const program: ProgramCodec = { codec: 'zstd', package: 'zstd' };

/** ZSTD_WINDOWSIZE_MAX of the kernel's lib/decompress_unzstd.c. */
const largestWindow = 2 ** 27;

/** The kernel reads one frame at a time, so each is a member. Every frame is written by one thread. */
export const zstd: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const { header, end } = await findZstdEnd(file, offset);
    yield* decompressRange(program, ['zstd', '-dcq'], file, offset, end);
    return { end, level: header.singleSegment ? undefined : guessLevel(header.window) };
  },
  write: (source, { level }) =>
    compress(program, ['zstd', '-cq', '-T1', ...(level > 19 ? ['--ultra'] : []), `-${level}`], source),
  // 9 is what Debian's mkinitramfs asks for.
  levels: { lowest: 1, highest: 22, usual: 9 },
};

export async function findZstdEnd(
  file: InputFile,
  offset: number,
): Promise<{ header: ZstdHeader; end: number }> {
  const cursor = createHeaderCursor(file);
  const header = parseZstdHeader(await cursor.at(offset, longestZstdHeader));
  if (header === 'truncated') throw createTruncatedError(file, 'zstd', offset);
  if (header === 'not-zstd')
    throw createMemberError(
      file,
      'image-corrupt',
      offset,
      'found no zstd frame header behind its first bytes',
    );
  assertReadable(file, offset, header);
  for (let at = offset + header.size; ; ) {
    const bytes = await cursor.at(at, 3);
    if (bytes.length < 3) throw createTruncatedError(file, 'zstd', offset);
    const block = parseZstdBlock(bytes);
    if (block === undefined)
      throw createMemberError(file, 'image-corrupt', at, 'found a header that no zstd block has');
    at += 3 + block.size + (block.last && header.checksum ? 4 : 0);
    if (at > file.size) throw createTruncatedError(file, 'zstd', offset);
    if (block.last) return { header, end: at };
  }
}

function assertReadable(file: InputFile, offset: number, { window, dictionary }: ZstdHeader): void {
  const unsupported = (message: string) =>
    createMemberError(
      file,
      'image-unsupported',
      offset,
      message,
      'compress the archive again with: zstd --no-long -19',
    );
  if (window > largestWindow)
    throw unsupported(
      `the zstd frame needs a window of ${window} bytes; a kernel refuses more than ${largestWindow}`,
    );
  if (dictionary) throw unsupported('the zstd frame needs a dictionary, which a kernel does not have');
}

/** The window that each level of the program has for an input of unknown size tells its class. */
function guessLevel(window: number): number {
  if (window <= 2 ** 19) return 1;
  if (window <= 2 ** 21) return 3;
  return window <= 2 ** 22 ? 9 : 19;
}
