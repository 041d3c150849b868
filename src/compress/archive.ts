import { detectCodec } from '../format/codec/magic.js';
import {
  type CpioReader,
  createCpioReader,
  type ReaderProblem,
  type ReaderToken,
} from '../format/cpio/cpio-reader.js';
import { quoteFile, unpackFrom } from '../format/kind/file-kind.js';
import { type InputFile, readRange } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ErrorCode } from '../model/error/error-code.js';
import type { Token, TokenOptions, Tokens } from '../model/image/archive.js';
import type { Codec, Segment } from '../model/image/layout.js';
import type { MemberEnd } from './codec.js';
import { type MemberOptions, readMember } from './compression.js';
import { createContentError, identifyContent } from './foreign.js';

/** Of one member, or of several that go on with each other's entries. */
export interface MemberSummary extends MemberEnd {
  /** Bytes after decompression. */
  readonly unpacked: number;
  /**
   * Where a member begins that goes on with an entry of the one in front of it. A kernel reads none of them: it says "junk
   * at the end of compressed archive".
   */
  readonly continued?: readonly number[] | undefined;
  /** The last body lacks its padding: a kernel refuses that too, in a compressed member. */
  readonly unpadded?: boolean | undefined;
}

export interface ArchiveOptions extends Omit<MemberOptions, 'codec'> {
  readonly codec: Codec;
  /** Bytes after decompression; more of them, even where they make no token, are `image-too-large`. */
  readonly limit?: number;
  /** Called with the place of each member that goes on with an entry of the one in front of it; may throw. */
  readonly onContinued?: ((offset: number) => void) | undefined;
}

/**
 * The tokens of one compressed member, with those that go on with its entries, or of one raw archive up to its TRAILER or
 * the first byte that is not part of it. They come in batches; a batch must be read to its end before the next is asked
 * for.
 */
export async function* readArchive(
  file: InputFile,
  { codec, ...options }: ArchiveOptions,
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  return codec === 'none'
    ? yield* readRaw(file, options.offset)
    : yield* readCompressed(file, { codec, ...options });
}

/** The tokens of all members of one segment. */
export async function* readSegment(
  file: InputFile,
  { offset, end, compression: { codec } }: Pick<Segment, 'offset' | 'end' | 'compression'>,
  options: TokenOptions & Pick<MemberOptions, 'ahead'> = {},
): Tokens {
  let origin = codec === 'none' ? -offset : 0;
  for (let at = offset; at < end; ) {
    const batches = readArchive(file, { codec, offset: at, ...options });
    try {
      let next = await batches.next();
      for (; !next.done; next = await batches.next())
        yield origin === 0 ? next.value : shiftTokens(next.value, origin);
      at = next.value.end;
      origin += next.value.unpacked;
    } finally {
      await batches.return(undefined as never);
    }
  }
}

function* shiftTokens(tokens: Iterable<Token>, by: number): Generator<Token, void, void> {
  for (const token of tokens) yield 'position' in token ? { ...token, position: token.position + by } : token;
}

async function* readRaw(
  file: InputFile,
  offset: number,
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  const reader = createCpioReader({ position: offset, embedded: true });
  const check = createCheck({ file });
  for await (const piece of readRange(file, offset, file.size)) {
    yield check(reader.push(piece));
    if (reader.ended) break;
  }
  yield check(reader.end());
  return { end: reader.position, level: undefined, unpacked: reader.position - offset };
}

async function* readCompressed(
  file: InputFile,
  {
    limit = Number.POSITIVE_INFINITY,
    onContinued,
    ...options
  }: MemberOptions & Pick<ArchiveOptions, 'limit' | 'onContinued'>,
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  const reader = createCpioReader();
  const continued: number[] = [];
  const check = createCheck({ file, ...options, continued });
  const reading: ArchiveReading = { file, limit, reader, check };
  const first = yield* readMemberOf(reading, options);
  let { end } = first;
  for (;;) {
    const offset = reader.inside === 'entry' ? await findContinuation(file, end, options.codec) : undefined;
    if (offset === undefined) break;
    continued.push(offset);
    onContinued?.(offset);
    ({ end } = yield* readMemberOf(reading, { ...options, offset }));
  }
  yield check(reader.end());
  return {
    ...first,
    end,
    unpacked: reader.position,
    ...(continued.length > 0 && { continued }),
    ...(reader.inside === 'padding' && { unpadded: true }),
  };
}

interface ArchiveReading {
  readonly file: InputFile;
  readonly limit: number;
  readonly reader: CpioReader;
  readonly check: Check;
}

async function* readMemberOf(
  { file, limit, reader, check }: ArchiveReading,
  options: MemberOptions,
): AsyncGenerator<Iterable<Token>, MemberEnd, void> {
  const pieces = readMember(file, options);
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) return next.value;
      if (reader.position === 0) await assertArchive(file, next.value, options);
      yield check(reader.push(next.value));
      if (reader.position > limit) throw createTooLargeError(file, options.offset);
    }
  } finally {
    await pieces.return(undefined as never);
  }
}

/** A file system may begin with zeros, which are no part of an archive's first entry. */
async function assertArchive(file: InputFile, start: Uint8Array, options: MemberOptions): Promise<void> {
  if (start.length >= 4 && archiveStart.every((byte, index) => byte === start[index])) return;
  const kind = await identifyContent(file, { ...options, passing: false, ahead: undefined });
  if (kind !== undefined) throw createContentError(file, options, kind);
}

/** `0707` */
const archiveStart = [0x30, 0x37, 0x30, 0x37];

/** Zeros between two streams of xz, or of members that were padded. */
const longestPadding = 512;

/** Where the next member of the codec begins. */
async function findContinuation(
  file: InputFile,
  end: number,
  codec: MemberOptions['codec'],
): Promise<number | undefined> {
  const bytes = await file.read(end, Math.min(end + longestPadding, file.size));
  const first = bytes.findIndex((byte) => byte !== 0);
  return first >= 0 && detectCodec(bytes.subarray(first)) === codec ? end + first : undefined;
}

export function createTooLargeError(file: InputFile, offset: number): MobyPatchError {
  const message = `the image of ${file.size} bytes unpacks to more than a file of this size may have (a decompression bomb does this)`;
  const hint = 'for an image that you trust: --max-size BYTES, like --max-size 16G';
  return new MobyPatchError('invalid', 'image-too-large', message, { path: file.name, offset, hint });
}

/** Where tokens come from; without a member their positions are those of the file. */
interface Place {
  readonly file: InputFile;
  readonly codec?: Exclude<Codec, 'none'> | undefined;
  readonly offset?: number;
  /** Members behind the first that go on with its entries; grows while they are read. */
  readonly continued?: readonly number[];
}

type Check = (tokens: Iterable<ReaderToken>) => Iterable<Token>;

/** Tokens without problems: these, and wrong checksums, are errors. */
function createCheck(place: Place): Check {
  return function* check(tokens) {
    for (const token of tokens) {
      if (token.kind === 'problem') throw createArchiveError(token, place);
      if (token.kind === 'end' && token.checksum === 'wrong')
        throw createArchiveError({ problem: 'wrong-checksum', position: token.entryAt ?? 0 }, place);
      yield token;
    }
  };
}

const explanations: Record<ReaderProblem | 'wrong-checksum', string> = {
  'old-format':
    'found a cpio entry of the old portable format (070707), wanted newc (070701): a kernel says "incorrect cpio method used: use -H newc option"',
  'no-magic': 'found no cpio entry where one must begin, wanted the magic 070701 or 070702',
  'not-hex': 'found a cpio header with a field that is not eight hexadecimal digits',
  'broken-padding':
    'found a cpio entry that does not begin at a multiple of four bytes (a kernel says "broken padding")',
  'name-too-long': 'found a cpio entry with a name of more than 64 KiB',
  truncated:
    'the archive ends inside the cpio entry that begins here (a kernel drops the entry, and says "junk at the end of compressed archive" of a member)',
  'not-an-entry':
    'found bytes between cpio entries that are neither zeros nor an entry (a kernel says "junk within compressed archive")',
  'wrong-checksum': 'the checksum of the 070702 entry that begins here is wrong: its data is damaged',
};

function createArchiveError(
  { problem, position }: { readonly problem: keyof typeof explanations; readonly position: number },
  { file, codec, offset = position, continued = [] }: Place,
): MobyPatchError {
  const where =
    codec === undefined
      ? ''
      : `, ${position} bytes into the data of the ${codec} member that starts at ${offset}`;
  const [next] = continued;
  const cut =
    next === undefined
      ? ''
      : `; that member ends inside an entry, and the one at ${next} was taken for its continuation`;
  return new MobyPatchError('invalid', chooseCode(problem), explanations[problem] + where + cut, {
    path: file.name,
    offset,
    hint: chooseHint(problem, { file, codec, offset }),
  });
}

function chooseHint(
  problem: keyof typeof explanations,
  { file: { name, start = 0 }, codec, offset = start }: Place,
): string | undefined {
  if (problem === 'truncated') return 'get a whole copy of the image';
  if (problem !== 'old-format') return undefined;
  const file = quoteFile(name);
  const archive = codec === undefined ? '' : `${unpackFrom(file, { codec, offset: offset - start })} | `;
  return `mkdir root && ${archive}cpio -idm -D root${codec === undefined ? ` < ${file}` : ''} && moby-patch repack root -o initrd.img`;
}

function chooseCode(problem: keyof typeof explanations): ErrorCode {
  if (problem === 'truncated') return 'image-truncated';
  return problem === 'wrong-checksum' ? 'image-corrupt' : 'image-invalid';
}
