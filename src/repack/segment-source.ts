import { createRunKey, readCachedRun } from '../compress/cached-runs.js';
import type { CodecSettings, OriginalMember } from '../compress/codec.js';
import { findRunFormat } from '../compress/compression.js';
import type { Cut, Piece } from '../compress/piece.js';
import type { RunPlace } from '../compress/runs.js';
import { padding } from '../format/cpio/cpio-header.js';
import { createCpioReader } from '../format/cpio/cpio-reader.js';
import { readAhead } from '../io/file/read-ahead.js';
import type { Archive, ArchivedRun, ArchiveRuns, Token, Tokens } from '../model/image/archive.js';
import type { ArchiveRecord, Codec } from '../model/image/layout.js';

/**
 * Beside the tokens of an archive: where a run begins, runs that are compressed already, and a run as it was before
 * it is changed, for a build that does not change it or changes it otherwise.
 */
export type RunToken =
  | Token
  | Cut
  | Extract<Piece, { kind: 'spare' }>
  | { readonly kind: 'member'; readonly run: ArchivedRun; readonly bytes: Uint8Array };

export interface SegmentSource {
  /** What the segment is made of, in order. */
  readonly tokens: AsyncGenerator<Iterable<RunToken>, void, void>;
  /** Looks a run up that an earlier build has compressed; absent where none are cached. */
  readonly findMember?: ((key: string) => Promise<Uint8Array | undefined>) | undefined;
}

export interface SourceOptions {
  /** What the segment will be compressed with. */
  readonly codec: Codec;
  readonly settings: CodecSettings;
  /** Of the segment, where they are known. */
  readonly runs: ArchiveRuns | undefined;
  isTouched(record: ArchiveRecord): boolean;
}

/** A segment to change, with compressed runs of earlier builds where the codec makes every run a member. */
export function openSegment(
  archive: Archive,
  index: number,
  { codec, settings, runs, isTouched }: SourceOptions,
): SegmentSource {
  // A compressor copies each piece at once; what is not compressed goes to the consumer as it is.
  const readTokens = () => archive.tokens(index, { passing: codec !== 'none' });
  const format = findRunFormat(codec);
  const { cache, single, original } = settings;
  if (format === undefined || (cache === undefined && original === undefined) || single)
    return { tokens: readTokens() };
  const recipe = format.recipe(settings);
  const findMember = cache && ((key: string) => readCachedRun(cache, recipe, key));
  if (runs === undefined) return { tokens: readTokens(), findMember };
  const records = archive.records.filter((record) => record.segment === index);
  const tokens = listRunTokens(runs, {
    isTouched: (first, count) => records.slice(first, first + count).some(isTouched),
    findMember,
    decode: (member, limit) => format.decode(member, limit),
    readTokens,
    original,
  });
  return { tokens, findMember };
}

/** Bytes: a longer run is not buffered to be cached. */
const longestSpare = 16 * 2 ** 20;

interface RunSource {
  readonly original: OriginalMember | undefined;
  isTouched(first: number, records: number): boolean;
  readonly findMember: SegmentSource['findMember'];
  decode(member: Uint8Array, limit: number): Promise<Uint8Array>;
  readTokens(): Tokens;
}

/**
 * The tokens of a plain archive, with runs that nothing touches as the members that they were before. The archive
 * itself is only read where a run is cached nowhere, up to that run.
 */
async function* listRunTokens(
  { runs, trailer }: ArchiveRuns,
  { original, isTouched, findMember, decode, readTokens }: RunSource,
): AsyncGenerator<Iterable<RunToken>, void, void> {
  await using reader = createRunReader(readTokens);
  const createKey = (run: ArchivedRun) => createRunKey(run, original);
  let first = 0;
  let position = 0;
  for await (const [run, member] of readAhead(runs, async (run) => findMember?.(createKey(run)))) {
    const isUntouched = !isTouched(first, run.records);
    const place = { key: createKey(run), origin: original && position };
    if (isUntouched && member !== undefined) yield [{ kind: 'member', run, bytes: member }];
    else {
      yield [isUntouched ? { kind: 'cut', ...place } : { kind: 'cut' }];
      const isSpare = !isUntouched && findMember !== undefined && run.bytes <= longestSpare;
      if (member !== undefined) yield parseRun(await decode(member, run.bytes));
      else if (isSpare) yield* readSpare(first, run, place);
      else yield* reader.read(first, run);
    }
    first += run.records;
    position += run.bytes;
  }
  yield parseRun(trailer);

  async function* readSpare(first: number, run: ArchivedRun, place: RunPlace & { readonly key: string }) {
    const bytes = Buffer.allocUnsafeSlow(run.bytes);
    const size = yield* reader.read(first, run, bytes);
    if (size === run.bytes) yield [{ kind: 'spare', ...place, bytes } as const];
  }
}

/** What was in an archive that was read without a problem. */
function* parseRun(bytes: Uint8Array): Generator<Token, void, void> {
  for (const token of createCpioReader().push(bytes)) {
    if (token.kind === 'problem') throw new Error(`a run of whole entries has the problem ${token.problem}`);
    yield token;
  }
}

interface RunReader extends AsyncDisposable {
  /** The tokens of the run that begins with the record `first`; returns its bytes, which `copy` gets. */
  read(first: number, run: ArchivedRun, copy?: Uint8Array): AsyncGenerator<Iterable<Token>, number, void>;
}

/** Reads runs of an archive in their order; what is between them is skipped. */
function createRunReader(readTokens: () => Tokens): RunReader {
  let batches: Tokens | undefined;
  let batch: Iterator<Token> | undefined;
  /** Records whose entry token was read. */
  let begun = 0;
  let left = 0;
  let size = 0;

  /** What there is of the run in the present batch, after what belongs to records before `first`. */
  function* readBatch(first: number, copy: Uint8Array | undefined): Generator<Token, void, void> {
    while (left > 0) {
      const next = batch?.next();
      if (next === undefined || next.done) {
        batch = undefined;
        return;
      }
      const token = next.value;
      if (token.kind === 'entry') begun += 1;
      if (begun <= first) continue;
      const bytes = encodeToken(token, size);
      copy?.set(bytes, size);
      size += bytes.length;
      if (token.kind === 'end') left -= 1;
      yield token;
    }
  }

  async function* read(first: number, run: ArchivedRun, copy?: Uint8Array) {
    batches ??= readTokens();
    [left, size] = [run.records, 0];
    while (left > 0) {
      if (batch === undefined) {
        const next = await batches.next();
        if (next.done) throw new Error('an archive has fewer entries than were counted in it');
        batch = next.value[Symbol.iterator]();
      }
      yield readBatch(first, copy);
    }
    return size;
  }

  return {
    read,
    async [Symbol.asyncDispose]() {
      await batches?.return(undefined);
    },
  };
}

/** The bytes of a token that stands at `position`. */
function encodeToken(token: Token, position: number): Uint8Array {
  if (token.kind === 'data') return token.bytes;
  return token.kind === 'end' ? new Uint8Array(padding(position)) : token.raw;
}
