import { createCpioReader, type ReaderProblem, type ReaderToken } from '../format/cpio-reader.js';
import { type InputFile, readRange } from '../io/input-file.js';
import type { Token, TokenOptions, Tokens } from '../model/archive.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec, Segment } from '../model/layout.js';
import type { MemberEnd } from './codec.js';
import { type ReadOptions as MemberOptions, readMember } from './compression.js';

export interface MemberSummary extends MemberEnd {
  /** Bytes after decompression. */
  readonly unpacked: number;
}

export interface ReadOptions extends MemberOptions {
  /** Bytes after decompression; more of them, also such as make no token, are `image-too-large`. */
  readonly limit?: number;
}

/**
 * The tokens of one compressed member, or of one raw archive up to its TRAILER or the first byte that is
 * not part of it. They come in batches; a batch must be read to its end before the next is asked for.
 */
export async function* readArchive(
  codec: Codec,
  file: InputFile,
  offset: number,
  options: ReadOptions = {},
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  return codec === 'none'
    ? yield* readRaw(file, offset)
    : yield* readCompressed(codec, file, offset, options);
}

/** The tokens of all members of one segment. */
export async function* readSegment(
  file: InputFile,
  { offset, end, compression: { codec } }: Pick<Segment, 'offset' | 'end' | 'compression'>,
  options: TokenOptions & MemberOptions = {},
): Tokens {
  let origin = codec === 'none' ? -offset : 0;
  for (let at = offset; at < end; ) {
    const batches = readArchive(codec, file, at, options);
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
    yield checked(reader.push(piece), file, 0);
    if (reader.ended) break;
  }
  yield checked(reader.end(), file, 0);
  return { end: reader.position, level: undefined, unpacked: reader.position - offset };
}

async function* readCompressed(
  codec: Exclude<Codec, 'none'>,
  file: InputFile,
  offset: number,
  { limit = Number.POSITIVE_INFINITY, ...options }: ReadOptions,
): AsyncGenerator<Iterable<Token>, MemberSummary, void> {
  const reader = createCpioReader();
  const pieces = readMember(codec, file, offset, options);
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        yield checked(reader.end(), file, offset, codec);
        return { ...next.value, unpacked: reader.position };
      }
      yield checked(reader.push(next.value), file, offset, codec);
      if (reader.position > limit) throw createTooLargeError(file, offset);
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

/** Tokens without problems: these, and wrong checksums, are errors. */
function* checked(
  tokens: Iterable<ReaderToken>,
  file: InputFile,
  offset: number,
  codec?: Codec,
): Generator<Token, void, void> {
  let entryAt = 0;
  for (const token of tokens) {
    if (token.kind === 'entry') entryAt = token.position;
    if (token.kind === 'problem')
      throw createArchiveError(token.problem, token.position, file, offset, codec);
    if (token.kind === 'end' && token.checksum === 'wrong')
      throw createArchiveError('wrong-checksum', entryAt, file, offset, codec);
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
  problem: ReaderProblem | 'wrong-checksum',
  position: number,
  file: InputFile,
  offset: number,
  codec: Codec | undefined,
): MobyPatchError {
  const where =
    codec === undefined
      ? ''
      : `, ${position} bytes into the data of the ${codec} member that starts at ${offset}`;
  const code =
    problem === 'truncated'
      ? 'image-truncated'
      : problem === 'wrong-checksum'
        ? 'image-corrupt'
        : 'image-invalid';
  return new MobyPatchError('invalid', code, explanations[problem] + where, {
    path: file.name,
    offset: codec === undefined ? position : offset,
    hint: problem === 'truncated' ? 'get a whole copy of the image' : undefined,
  });
}
