import { createCpioReader, type Token } from '../format/cpio-reader.js';
import { createTokenCursor, type TokenCursor } from '../io/token-cursor.js';
import type { ArchivedRun, ArchiveRuns } from '../model/layout.js';

/** Beside what an archive is made of: where a run begins, and runs that are compressed already. */
export type RunToken =
  | Token
  | { readonly kind: 'boundary'; readonly key: string | undefined }
  | { readonly kind: 'member'; readonly run: ArchivedRun; readonly bytes: Uint8Array };

/** Compressed runs of earlier builds. */
export interface KnownRuns {
  read(key: string): Promise<Uint8Array | undefined>;
  decode(member: Uint8Array, run: ArchivedRun): Promise<Uint8Array>;
}

/**
 * The tokens of a plain archive, with runs that nothing touches as the members that they were before. Only
 * where a run is known nowhere the archive itself is read, up to that run.
 */
export async function* listRunTokens(
  { runs, trailer }: ArchiveRuns,
  isTouched: (first: number, records: number) => boolean,
  known: KnownRuns,
  readArchive: () => AsyncGenerator<Iterable<Token>, void, void>,
): AsyncGenerator<Iterable<RunToken>, void, void> {
  let archive: TokenCursor<Token> | undefined;
  let read = 0;
  let first = 0;

  async function* readRun(run: ArchivedRun): AsyncGenerator<Iterable<Token>, void, void> {
    archive ??= createTokenCursor(readArchive());
    for (; read < first; read += 1) await archive.nextEntry();
    for (let left = run.records; left > 0; ) {
      const token = await archive.next();
      if (token === undefined) throw new Error('an archive has fewer entries than were counted in it');
      // What was left of an entry that was only skipped.
      if (read === first && token.kind !== 'entry') continue;
      if (token.kind === 'entry') read += 1;
      if (token.kind === 'end') left -= 1;
      yield [token];
    }
  }

  try {
    for (const run of runs) {
      const touched = isTouched(first, run.records);
      const member = await known.read(run.key);
      if (!touched && member !== undefined) yield [{ kind: 'member', run, bytes: member }];
      else {
        yield [{ kind: 'boundary', key: touched ? undefined : run.key }];
        if (member === undefined) yield* readRun(run);
        else yield createCpioReader().push(await known.decode(member, run));
      }
      first += run.records;
    }
    yield createCpioReader().push(trailer);
  } finally {
    await archive?.[Symbol.asyncDispose]();
  }
}
