import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  listXzObstacles,
  longestXzHeader,
  lzmaHeaderSize,
  parseLzmaDictionary,
  parseXzHeader,
  type XzHeader,
} from '../format/codec/xz-header.js';
import { type InputFile, skipBytes } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import {
  type CodecImplementation,
  type CodecSettings,
  createMemberError,
  createTruncatedError,
  hintToPackAgain,
  type MemberEnd,
} from './codec.js';
import { compress, createDamagedError, type ProgramCodec, writeWhole } from './program-codec.js';
import { type RunProgram, writeProgramRuns } from './program-runs.js';
import { runFilter } from './run-filter.js';

const programs = {
  xz: { codec: 'xz', package: 'xz-utils' },
  lzma: { codec: 'lzma', package: 'xz-utils' },
} as const satisfies Record<string, ProgramCodec>;

/** The dictionary of level 9. A larger one is read, but costs eleven times its size to write. */
const largestDictionary = 64 * 2 ** 20;
/** Limits the dictionary that a header asks for: more than any kernel that boots the image will have. */
const memoryLimit = '--memlimit-decompress=1GiB';

/** Bytes, by preset; from the manual page of xz. */
const dictionaries = [
  2 ** 18,
  2 ** 20,
  2 ** 21,
  2 ** 22,
  2 ** 22,
  2 ** 23,
  2 ** 23,
  2 ** 24,
  2 ** 25,
  2 ** 26,
];
/** A smaller run compresses a fiftieth worse. */
const leastRun = 4 * 2 ** 20;
/** A larger dictionary only pays in one stream around everything. */
const largestRunDictionary = 8 * 2 ** 20;

/**
 * A stream is a member: the kernel reads one at a time. One thread writes each stream: with more, the program writes
 * other bytes.
 */
export const xz: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const start = await file.read(offset, Math.min(offset + longestXzHeader, file.size));
    const header = parseXzHeader(start);
    if (header === 'truncated') throw createTruncatedError(file, { codec: 'xz', offset });
    if (header === 'not-xz' || crc32(start.subarray(6, 8)) !== Buffer.from(start).readUInt32LE(8))
      throw createMemberError(file, {
        code: 'image-corrupt',
        offset,
        message: 'the xz stream header that starts here is damaged',
      });
    assertBootable(file, offset, header);
    const end = yield* readStream(programs.xz, file, offset);
    const obstacles = header.block === undefined ? [] : listXzObstacles(header.block);
    return { end, dictionary: header.block?.dictionary, ...(obstacles.length > 0 && { obstacles }) };
  },
  write(source, settings) {
    const argv = ['xz', '-cq', '-T1', '--check=crc32', createPreset('lzma2', settings)] as const;
    const runs: RunProgram = {
      codec: programs.xz,
      argv: () => argv,
      memory: 12 * chooseDictionary(settings),
      longest: 32 * 2 ** 20,
      runSize: chooseRunSize(settings),
    };
    return writeProgramRuns(source, runs, settings);
  },
  runSize: chooseRunSize,
};

export const lzma: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const dictionary = parseLzmaDictionary(
      await file.read(offset, Math.min(offset + lzmaHeaderSize, file.size)),
    );
    if (dictionary === undefined) throw createTruncatedError(file, { codec: 'lzma', offset });
    const end = yield* readStream(programs.lzma, file, offset);
    return { end, dictionary };
  },
  write(source, settings) {
    const argv = ['xz', '-cq', '--format=lzma', createPreset('lzma1', settings)] as const;
    return writeWhole(source, (bytes) =>
      compress({ ...programs.lzma, argv, signal: settings.signal }, bytes),
    );
  },
};

function chooseRunSize(settings: CodecSettings): number | undefined {
  const dictionary = chooseDictionary(settings);
  return dictionary > largestRunDictionary ? undefined : Math.max(2 * dictionary, leastRun);
}

function chooseDictionary({ level, dictionary }: CodecSettings): number {
  return dictionary ?? dictionaries[level] ?? largestDictionary;
}

function createPreset(filter: string, { level, dictionary }: CodecSettings): string {
  const size = dictionary === undefined ? '' : `,dict=${Math.min(dictionary, largestDictionary)}`;
  return `--${filter}=preset=${level}${size}`;
}

/**
 * The end of either format is only known once it was decoded (lzma) or walked chunk by chunk (xz). But `xz` sets the
 * position of a file on its standard input back to the first byte that it did not need, with `--single-stream` whatever
 * follows. That position is ours too, and tells the end.
 */
async function* readStream(
  { codec, package: debianPackage }: ProgramCodec,
  file: InputFile,
  offset: number,
): AsyncGenerator<Uint8Array, number, void> {
  const failure = (said: string) => {
    if (said.includes('Unexpected end of input')) return createTruncatedError(file, { codec, offset });
    if (said.includes('Memory usage limit')) return createMemoryError(file, codec, offset, said);
    return createDamagedError(file, { codec, offset, said });
  };
  const argv = ['xz', '-dcq', '-T1', '--single-stream', `--format=${codec}`, memoryLimit] as const;
  const input = await file.reopen();
  try {
    await skipBytes(input, offset);
    yield* runFilter({ argv, package: debianPackage, failure, signal: file.signal }, input.fd);
    // Of the whole file: a boot configuration behind the archives is no part of `file`.
    const { size } = await input.stat();
    const end = size - (await countRest(input));
    if (end > offset + lzmaHeaderSize) return end;
    throw new MobyPatchError(
      'infrastructure',
      'program-unusable',
      'xz does not tell where it stopped reading',
      {
        hint: 'xz --version (wanted: XZ Utils 5.0 or newer)',
      },
    );
  } finally {
    await input.close();
  }
}

function assertBootable(file: InputFile, offset: number, { check, block }: XzHeader): void {
  const hint = hintToPackAgain(file, { codec: 'xz', offset });
  if (check !== 'none' && check !== 'crc32')
    throw createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message: `the xz stream has the check ${check}; a kernel reads crc32 or none`,
      hint,
    });
  if (block?.filters.includes(3))
    throw createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message: 'the xz stream uses a delta filter, which the kernel does not support',
      hint,
    });
}

function createMemoryError(file: InputFile, codec: string, offset: number, said: string): MobyPatchError {
  const message = `the ${codec} member that starts here has a dictionary of more than 1 GiB: ${said}`;
  return createMemberError(file, {
    code: 'image-unsupported',
    offset,
    message,
    hint: hintToPackAgain(file, { codec: codec === 'lzma' ? 'lzma' : 'xz', offset }),
  });
}

const pieceSize = 1024 * 1024;

/** Bytes from the position to the end; leaves the position at the end. */
async function countRest(handle: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(pieceSize);
  for (let count = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, pieceSize, null);
    if (bytesRead === 0) return count;
    count += bytesRead;
  }
}
