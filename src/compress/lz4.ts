import { parseLz4Word } from '../format/codec/lz4-legacy.js';
import { detectCodec } from '../format/codec/magic.js';
import type { InputFile } from '../io/file/input-file.js';
import type { MobyPatchError } from '../model/error/error.js';
import {
  type CodecImplementation,
  createMemberError,
  createTruncatedError,
  type MemberEnd,
} from './codec.js';
import { createHeaderCursor } from './header-cursor.js';
import { compress, decompressRange, type ProgramCodec, writeWhole } from './program-codec.js';

const program: ProgramCodec = { codec: 'lz4', package: 'lz4' };

/** Legacy frames, the only ones that a kernel reads. They carry no checksum. */
export const lz4: CodecImplementation = {
  async *read(file, offset): AsyncGenerator<Uint8Array, MemberEnd, void> {
    const end = await findLz4End(file, offset);
    yield* decompressRange({ ...program, argv: ['lz4', '-dcq'] }, { file, offset, end });
    return { end };
  },
  write: (source, { level, signal }) =>
    writeWhole(source, (bytes) =>
      compress({ ...program, argv: ['lz4', '-lcq', `-${level}`], signal }, bytes),
    ),
};

/** The first bytes of every raw cpio archive: `0707`. */
const rawMagic = [0x30, 0x37, 0x30, 0x37];

/**
 * Consecutive frames are one member: the kernel reads them in one go, even when they are cut inside an entry.
 * An archive behind them that the kernel takes for a block, and so never reads, is an error.
 */
export async function findLz4End(file: InputFile, offset: number): Promise<number> {
  const cursor = createHeaderCursor(file);
  for (let at = offset; ; ) {
    // Four for the word, and what an archive behind up to three zeros begins with.
    const bytes = await cursor.at(at, 7);
    const word = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
    const meaning = parseLz4Word(word);
    if (at === offset && meaning !== 'frame') throw createHeaderError(file, offset, bytes.length);
    if (meaning === 'end') return at;
    const next = at + 4 + (typeof meaning === 'number' ? meaning : 0);
    if (isArchive(bytes) && (meaning === 'not-a-block' || next > file.size))
      throw createFollowedError(file, at);
    if (meaning === 'not-a-block' || isUnpackedSize(meaning, at + 4 === file.size)) return at;
    if (next > file.size) throw createTruncatedError(file, { codec: 'lz4', offset });
    at = next;
  }
}

/** Whether an archive begins here, or behind zeros that are too few to end a frame. */
function isArchive(bytes: Uint8Array): boolean {
  const start = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return detectCodec(start.subarray(0, 4)) !== undefined || rawMagic.every((byte, at) => byte === start[at]);
}

/** The last four bytes are no block: some write the unpacked size there (lz4_lg). */
function isUnpackedSize(meaning: ReturnType<typeof parseLz4Word>, isLast: boolean): boolean {
  return typeof meaning === 'number' && isLast;
}

function createHeaderError(file: InputFile, offset: number, found: number): MobyPatchError {
  const message = 'found no legacy lz4 frame behind its first two bytes';
  return found < 4
    ? createTruncatedError(file, { codec: 'lz4', offset })
    : createMemberError(file, { code: 'image-corrupt', offset, message });
}

function createFollowedError(file: InputFile, at: number): MobyPatchError {
  return createMemberError(file, {
    code: 'image-invalid',
    offset: at,
    message:
      'found another archive directly behind an lz4 frame, wanted at least four zeros between them: a kernel takes it for a block and stops',
    hint: 'put at least four zero bytes between an lz4 archive and what follows',
  });
}
