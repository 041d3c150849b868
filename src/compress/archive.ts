import { createCpioReader, type ReaderProblem, type ReaderToken } from '../format/cpio-reader.js';
import { type InputFile, readRange } from '../io/input-file.js';
import type { Token, TokenOptions, Tokens } from '../model/archive.js';
import { MobyPatchError } from '../model/error.js';
import type { ErrorCode } from '../model/error-code.js';
import type { Codec, Segment } from '../model/layout.js';
import type { MemberEnd } from './codec.js';
import { type MemberOptions, readMember } from './compression.js';

export interface MemberSummary extends MemberEnd {
  /** Bytes after decompression. */
  readonly unpacked: number;
}

export interface ArchiveOptions extends Omit<MemberOptions, 'codec'> {
  readonly codec: Codec;
  /** Bytes after decompression; more of them, even where they make no token, are `image-too-large`. */
  readonly limit?: number;
}

/**
 * The tokens of one compressed member, or of one raw archive up to its TRAILER or the first byte that is
 * not part of it. They come in batches; a batch must be read to its end before the next is asked for.
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
  for await (const piece of readRange(file, offset, file.size)) {
    yield checked(reader.push(piece), { file });
    if (reader.ended) break;
  }
  yield checked(reader.end(), { file });
  return { end: reader.position, level: undefined, unpacked: reader.position - offset };
}

async function* readCompressed(
  file: InputFile,
  { limit = Number.POSITIVE_INFINITY, ...options }: MemberOptions & Pick<ArchiveOptions, 'limit'>,
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  const reader = createCpioReader();
  const place: Place = { file, ...options };
  const pieces = readMember(file, options);
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        yield checked(reader.end(), place);
        return { ...next.value, unpacked: reader.position };
      }
      yield checked(reader.push(next.value), place);
      if (reader.position > limit) throw createTooLargeError(file, options.offset);
    }
  } finally {
    await pieces.return(undefined as never);
  }
}

export function createTooLargeError(file: InputFile, offset: number): MobyPatchError {
  const message = `the image of ${file.size} bytes unpacks to more than a file of this size may have (a decompression bomb does this)`;
  const hint = 'for an image that you trust: --max-size BYTES, like --max-size 16G';
  return new MobyPatchError('invalid', 'image-too-large', message, { path: file.name, offset, hint });
}

/** Where tokens come from; without a member their positions are those of the file. */
interface Place {
  readonly file: InputFile;
  readonly codec?: Codec;
  readonly offset?: number;
}

/** Tokens without problems: these, and wrong checksums, are errors. */
function* checked(tokens: Iterable<ReaderToken>, place: Place): Generator<Token, void, void> {
  let entryAt = 0;
  for (const token of tokens) {
    if (token.kind === 'entry') entryAt = token.position;
    if (token.kind === 'problem') throw createArchiveError(token, place);
    if (token.kind === 'end' && token.checksum === 'wrong')
      throw createArchiveError({ problem: 'wrong-checksum', position: entryAt }, place);
    yield token;
  }
}

const explanations: Record<ReaderProblem | 'wrong-checksum', string> = {
  'old-format':
    'found a cpio entry of the old portable format (070707), wanted newc (070701): a kernel says "incorrect cpio method used: use -H newc option"',
  'no-magic': 'found no cpio entry where one must begin, wanted the magic 070701 or 070702',
  'not-hex': 'found a cpio header with a field that is not eight hexadecimal digits',
  'broken-padding':
    'found a cpio entry that does not begin at a multiple of four bytes (a kernel says "broken padding")',
  'name-too-long': 'found a cpio entry with a name of more than 64 KiB',
  truncated: 'the archive ends inside the cpio entry that begins here',
  'not-an-entry':
    'found bytes between cpio entries that are neither zeros nor an entry (a kernel says "junk within compressed archive")',
  'wrong-checksum': 'the checksum of the 070702 entry that begins here is wrong: its data is damaged',
};

function createArchiveError(
  { problem, position }: { readonly problem: keyof typeof explanations; readonly position: number },
  { file, codec, offset = position }: Place,
): MobyPatchError {
  const where =
    codec === undefined
      ? ''
      : `, ${position} bytes into the data of the ${codec} member that starts at ${offset}`;
  const hint = problem === 'truncated' ? 'get a whole copy of the image' : undefined;
  return new MobyPatchError('invalid', chooseCode(problem), explanations[problem] + where, {
    path: file.name,
    offset,
    hint,
  });
}

function chooseCode(problem: keyof typeof explanations): ErrorCode {
  if (problem === 'truncated') return 'image-truncated';
  return problem === 'wrong-checksum' ? 'image-corrupt' : 'image-invalid';
}
