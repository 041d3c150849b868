import { longestZstdHeader, parseZstdBlock, parseZstdHeader, type ZstdHeader } from '../format/zstd-frame.js';
import type { InputFile } from '../io/input-file.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  type MemberEnd,
  type Settings,
} from './codec.js';
import { createHeaderCursor } from './header-cursor.js';
import { decompressRange, type ProgramCodec } from './program-codec.js';
import { type RunProgram, writeProgramRuns } from './program-runs.js';

const program: ProgramCodec = { codec: 'zstd', package: 'zstd' };

const MiB = 2 ** 20;

/** Above it are windows that only one frame can make use of. */
const highestRunLevel = 19;

/** ZSTD_WINDOWSIZE_MAX of the kernel's lib/decompress_unzstd.c. */
const largestWindow = 2 ** 27;

/**
 * The kernel reads one frame at a time, so each is a member. The program's bytes do not depend on its number of
 * threads as long as it is no `--single-thread`.
 */
export const zstd: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const { header, end } = await findZstdEnd(file, offset);
    yield* decompressRange(program, ['zstd', '-dcq'], file, offset, end);
    return { end, level: header.singleSegment ? undefined : guessLevel(header.window) };
  },
  write(source, settings) {
    const { level } = settings;
    const ultra = level > highestRunLevel ? ['--ultra'] : [];
    const runs: RunProgram = {
      codec: program,
      argv: (threads) => ['zstd', '-cq', `-T${threads}`, ...ultra, `-${level}`],
      memory: 13 * chooseWindow(level),
      longest: 32 * MiB,
      runSize: chooseRunSize(settings),
    };
    return writeProgramRuns(source, runs, settings);
  },
  runSize: chooseRunSize,
};

/** A frame of two windows is a hundredth larger than its share of one frame around everything. */
function chooseRunSize({ level }: Settings): number | undefined {
  return level > highestRunLevel ? undefined : 2 * chooseWindow(level);
}

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

/** Bytes; of an input of unknown size (zstd 1.5). */
function chooseWindow(level: number): number {
  if (level > highestRunLevel) return 64 * MiB;
  if (level > 16) return 8 * MiB;
  return level > 8 ? 4 * MiB : 2 * MiB;
}

/** The window that each level of the program has for an input of unknown size tells its class. */
function guessLevel(window: number): number {
  if (window <= 2 ** 19) return 1;
  if (window <= 2 ** 21) return 3;
  return window <= 2 ** 22 ? 9 : 19;
}
