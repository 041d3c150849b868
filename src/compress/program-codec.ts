import { gatherBytes } from '../io/gather-bytes.js';
import { type InputFile, readRange } from '../io/input-file.js';
import type { Bytes } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec } from '../model/layout.js';
import { createMemberError, type Members } from './codec.js';
import { listBytes, type Pieces } from './piece.js';
import { runFilter } from './run-filter.js';

export interface ProgramCodec {
  readonly codec: Codec;
  readonly package: string;
}

type Argv = readonly [program: string, ...rest: string[]];

/** Decompresses a member whose end is known; the program checks all that the format lets it check. */
export function decompressRange(
  { codec, package: debianPackage }: ProgramCodec,
  argv: Argv,
  file: InputFile,
  offset: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  const failure = (said: string) => createDamagedError(file, codec, offset, said);
  return runFilter({ argv, package: debianPackage, failure }, readRange(file, offset, end));
}

export function createDamagedError(
  file: InputFile,
  codec: Codec,
  offset: number,
  said: string,
): MobyPatchError {
  const message = `the ${codec} member that starts here is damaged: ${said}`;
  return createMemberError(file, 'image-corrupt', offset, message);
}

/** The whole stream as one member. */
export async function* writeWhole(source: Pieces, compress: (bytes: Bytes) => Bytes): Members {
  let size = 0;
  for await (const piece of compress(gatherBytes(listBytes(source)))) {
    size += piece.length;
    yield piece;
  }
  return [size];
}

/** `source`: pieces that stay valid. */
export function compress(
  { package: debianPackage }: ProgramCodec,
  argv: Argv,
  source: Bytes,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const failure = (said: string) => {
    const message = `${argv.join(' ')} failed: ${said}`;
    return new MobyPatchError('failed', 'compression-failed', message, {
      hint: `apt-get install --reinstall ${debianPackage}`,
    });
  };
  return runFilter({ argv, package: debianPackage, failure, signal }, source);
}
