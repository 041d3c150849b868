import {
  longestZstdHeader,
  parseZstdBlock,
  parseZstdHeader,
  type ZstdHeader,
} from '../../format/codec/zstd-frame.js';
import type { InputFile } from '../../io/file/input-file.js';
import {
  type CodecImplementation,
  type CodecSettings,
  createMemberError,
  createTruncatedError,
  hintToPackAgain,
  type MemberEnd,
} from '../codec.js';
import { createHeaderCursor } from '../header-cursor.js';
import { createDirectZstd, decodeInPlace } from '../in-place.js';
import { createDamagedError, type ProgramCodec } from '../program-codec.js';
import { type RunProgram, writeProgramRuns } from '../program-runs.js';
import { decodeFrame, ZstdFault } from './decoder.js';

const program: ProgramCodec = { codec: 'zstd', package: 'zstd' };

const MiB = 2 ** 20;

/** Higher levels have windows that only pay in one frame around everything. */
const highestRunLevel = 19;

/** ZSTD_WINDOWSIZE_MAX of the kernel's lib/decompress_unzstd.c. */
const largestWindow = 2 ** 27;

/**
 * The kernel reads one frame at a time, so each is a member. It is read without a program. The output of the program does not
 * depend on its number of threads, unless it runs with `--single-thread`.
 */
export const zstd: CodecImplementation = {
  async *read(file, offset) {
    const pieces = scanFrame(file, offset);
    try {
      for (;;) {
        const next = await pieces.next();
        if (next.done) return next.value;
        yield next.value.slice();
      }
    } finally {
      await pieces.return(undefined as never);
    }
  },
  scan: scanFrame,
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

async function* scanFrame(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const { header, end } = await findZstdEnd(file, offset);
  const { window, singleSegment } = header;
  try {
    const direct = createDirectZstd();
    yield* direct === undefined
      ? decodeFrame(file, { offset, end, window })
      : decodeInPlace(direct, file, { from: offset, end });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!(cause instanceof ZstdFault || code?.startsWith('ZSTD_'))) throw cause;
    throw createDamagedError(file, { codec: 'zstd', offset, said: message });
  }
  return { end, level: singleSegment ? undefined : guessLevel(window) };
}

/** Frames of three windows are less than a hundredth larger than one frame around everything. */
function chooseRunSize({ level }: CodecSettings): number | undefined {
  return level > highestRunLevel ? undefined : 3 * chooseWindow(level);
}

export async function findZstdEnd(
  file: InputFile,
  offset: number,
): Promise<{ header: ZstdHeader; end: number }> {
  const cursor = createHeaderCursor(file);
  const header = parseZstdHeader(await cursor.at(offset, longestZstdHeader));
  if (header === 'truncated') throw createTruncatedError(file, { codec: 'zstd', offset });
  if (header === 'not-zstd')
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset,
      message: 'found no zstd frame header behind its first bytes',
    });
  assertReadable(file, offset, header);
  for (let at = offset + header.size; ; ) {
    const bytes = await cursor.at(at, 3);
    if (bytes.length < 3) throw createTruncatedError(file, { codec: 'zstd', offset });
    const block = parseZstdBlock(bytes);
    if (block === undefined)
      throw createMemberError(file, {
        code: 'image-corrupt',
        offset: at,
        message: 'found a header that no zstd block has',
      });
    at += 3 + block.size + (block.last && header.checksum ? 4 : 0);
    if (at > file.size) throw createTruncatedError(file, { codec: 'zstd', offset });
    if (block.last) return { header, end: at };
  }
}

function assertReadable(file: InputFile, offset: number, { window, dictionary }: ZstdHeader): void {
  const unsupported = (message: string) =>
    createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message,
      hint: hintToPackAgain(file, { codec: 'zstd', offset }),
    });
  if (window > largestWindow)
    throw unsupported(
      `the zstd frame needs a window of ${window} bytes; a kernel refuses more than ${largestWindow}`,
    );
  if (dictionary) throw unsupported('the zstd frame needs a dictionary, which a kernel does not have');
}

/** Bytes, for an input of unknown size (zstd 1.5). */
function chooseWindow(level: number): number {
  if (level > highestRunLevel) return 64 * MiB;
  if (level > 16) return 8 * MiB;
  return level > 8 ? 4 * MiB : 2 * MiB;
}

/** The window that the program chooses for an input of unknown size tells the class of the level. */
function guessLevel(window: number): number {
  if (window <= 2 ** 19) return 1;
  if (window <= 2 ** 21) return 3;
  return window <= 2 ** 22 ? 9 : 19;
}
