import { type InputFile, readRange, skipBytes } from '../io/file/input-file.js';
import { gatherBytes } from '../io/gather-bytes.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { Codec } from '../model/image/layout.js';
import { createMemberError, type Members } from './codec.js';
import { listBytes, type Pieces } from './piece.js';
import { type Filter, runFilter } from './run-filter.js';

export interface ProgramCodec {
  readonly codec: Codec;
  readonly package: string;
}

export interface CodecCommand extends ProgramCodec {
  readonly argv: readonly [program: string, ...rest: string[]];
}

/** Decompresses a member whose end is known. The program checks what the format lets it check. */
export async function* decompressRange(
  { codec, package: debianPackage, argv }: CodecCommand,
  { file, offset, end }: { readonly file: InputFile; readonly offset: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, void> {
  const failure = (said: string) => createDamagedError(file, { codec, offset, said });
  const filter: Filter = { argv, package: debianPackage, failure, signal: file.signal };
  if (end < file.size) return yield* runFilter(filter, readRange(file, offset, end));
  // Up to the end of the file the program reads for itself, which saves carrying the bytes to it.
  await using input = await file.reopen();
  const { size } = await input.stat();
  if (end < size) return yield* runFilter(filter, readRange(file, offset, end));
  await skipBytes(input, offset);
  yield* runFilter(filter, input.fd);
}

/** `said`: the complaint of the program. */
export function createDamagedError(
  file: InputFile,
  { codec, offset, said }: { readonly codec: Codec; readonly offset: number; readonly said: string },
): MobyPatchError {
  // zstd names its input in front; node:zlib, which reads it too, says the rest alone.
  const fault = said.replace(/^\/\*stdin\*\\ : (?:Decoding error \(\d+\) : )?/, '');
  const message = `the ${codec} member that starts here is damaged: ${fault}`;
  return createMemberError(file, { code: 'image-corrupt', offset, message });
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

/** The pieces of `source` must stay valid. */
export function compress(
  { package: debianPackage, argv, signal }: CodecCommand & { readonly signal?: AbortSignal | undefined },
  source: Bytes,
): AsyncGenerator<Uint8Array, void, void> {
  const failure = (said: string) => {
    const message = `${argv.join(' ')} failed: ${said}`;
    return new MobyPatchError('failed', 'compression-failed', message, {
      hint: `apt-get install --reinstall ${debianPackage}`,
    });
  };
  return runFilter({ argv, package: debianPackage, failure, signal }, source);
}
