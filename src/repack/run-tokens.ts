import { createTokenCursor, type TokenCursor } from '../compress/token-cursor.js';
import { padding } from '../format/cpio-header.js';
import { createCpioReader, type ReaderToken } from '../format/cpio-reader.js';
import { readAhead } from '../io/read-ahead.js';
import type { ArchivedRun, ArchiveRuns, Token, Tokens } from '../model/archive.js';

/**
 * Beside what an archive is made of: where a run begins, runs that are compressed already, and a run as it was before
 * it is changed, for a build that does not change it or changes it otherwise.
 */
export type RunToken =
  | ReaderToken
  | { readonly kind: 'boundary'; readonly key: string | undefined }
  | { readonly kind: 'spare'; readonly key: string; readonly bytes: Uint8Array }
  | { readonly kind: 'member'; readonly run: ArchivedRun; readonly bytes: Uint8Array };

/** Compressed runs of earlier builds. */
export interface KnownRuns {
  read(key: string): Promise<Uint8Array | undefined>;
  decode(member: Uint8Array, run: ArchivedRun): Promise<Uint8Array>;
}

/** Bytes: a longer run is not held to be kept. */
const longestSpare = 16 * 2 ** 20;

/**
 * The tokens of a plain archive, with runs that nothing touches as the members that they were before. Only
 * where a run is known nowhere the archive itself is read, up to that run.
 */
export async function* listRunTokens(
  { runs, trailer }: ArchiveRuns,
  isTouched: (first: number, records: number) => boolean,
  known: KnownRuns,
  readArchive: () => Tokens,
): AsyncGenerator<Iterable<RunToken>, void, void> {
  let archive: TokenCursor<Token> | undefined;
  let read = 0;
  let first = 0;

  /** `spare`: takes the run as it is; the generator's value is how much there was of it. */
  async function* readRun(
    run: ArchivedRun,
    spare?: Uint8Array,
  ): AsyncGenerator<Iterable<Token>, number, void> {
    let at = 0;
    const hold = (bytes: Uint8Array) => {
      spare?.set(bytes, at);
      at += bytes.length;
    };
    archive ??= createTokenCursor(readArchive());
    for (; read < first; read += 1) await archive.nextEntry();
    for (let left = run.records; left > 0; ) {
      const token = await archive.next();
      if (token === undefined) throw new Error('an archive has fewer entries than were counted in it');
      // What was left of an entry that was only skipped.
      if (read === first && token.kind !== 'entry') continue;
      if (token.kind === 'entry') {
        read += 1;
        hold(token.raw);
      } else if (token.kind === 'data') hold(token.bytes);
      else if (token.kind === 'end') {
        left -= 1;
        hold(new Uint8Array(padding(at)));
      }
      yield [token];
    }
    return at;
  }

  try {
    for await (const [run, member] of readAhead(runs, ({ key }) => known.read(key))) {
      const touched = isTouched(first, run.records);
      if (!touched && member !== undefined) yield [{ kind: 'member', run, bytes: member }];
      else {
        yield [{ kind: 'boundary', key: touched ? undefined : run.key }];
        if (member !== undefined) yield createCpioReader().push(await known.decode(member, run));
        else if (!touched || run.bytes > longestSpare) yield* readRun(run);
        else {
          const bytes = Buffer.allocUnsafeSlow(run.bytes);
          if ((yield* readRun(run, bytes)) === run.bytes) yield [{ kind: 'spare', key: run.key, bytes }];
        }
      }
      first += run.records;
    }
    yield createCpioReader().push(trailer);
  } finally {
    await archive?.[Symbol.asyncDispose]();
  }
}
