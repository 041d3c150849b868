import { type PackedPart, quoteFile, unpackFrom } from '../format/kind/file-kind.js';
import type { InputFile } from '../io/file/input-file.js';
import type { Cache } from '../model/cache.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Codec, Compression, MemberRange } from '../model/image/layout.js';
import type { MemberBytes } from './gzip/hints.js';
import type { Pieces } from './piece.js';

/** What is known of a compressed member once its last byte was read. */
export interface MemberEnd {
  /** Bytes from the start of the file to the first byte behind the member. */
  readonly end: number;
  readonly level?: Compression['level'];
  readonly dictionary?: number | undefined;
  /** What some kernels do not read: as of `listXzObstacles`. */
  readonly obstacles?: readonly string[] | undefined;
}

/** How a member is written. */
export interface CodecSettings {
  readonly level: number;
  /** Bytes, for xz and lzma: instead of the level's own. */
  readonly dictionary?: number | undefined;
  /** Where compressed runs are cached for the next build. */
  readonly cache?: Cache | undefined;
  /** All in one member, for a loader that reads only the first: slower, or more memory. */
  readonly single?: boolean | undefined;
  /** Ends the programs that compress. */
  readonly signal?: AbortSignal | undefined;
  /** What the stream was made of; gzip only. */
  readonly original?: OriginalMember | undefined;
}

/** The one member that a stream stood in before it was changed: runs that are what they were are compressed with its matches. */
export interface OriginalMember extends MemberBytes {
  /** Equal for equal bytes. */
  readonly id: string;
}

/** The member at `offset` of a file whose digest is known before the member is read. */
export function createOriginal(
  fileSha256: string,
  offset: number,
  fill: MemberBytes['fill'],
): OriginalMember {
  return { id: `${fileSha256} ${offset}`, fill };
}

/** The bytes of compressed members; returns the size of each, in order. */
export type Members = AsyncGenerator<Uint8Array, readonly number[], void>;

/** Where members of these sizes stand that follow each other from `offset` on. */
export function placeMembers(offset: number, sizes: readonly number[]): MemberRange[] {
  let end = offset;
  return sizes.map((size) => {
    const start = end;
    end += size;
    return { offset: start, end };
  });
}

/** What it takes to reuse a compressed run of an earlier build. */
export interface RunFormat {
  /** Everything beside the bytes that decides a member: codec, program with its version, level. */
  recipe(settings: CodecSettings): string;
  /** The bytes of a member that was written by `recipe`; at most `limit` of them. */
  decode(member: Uint8Array, limit: number): Promise<Uint8Array>;
}

export interface CodecImplementation {
  /** Decompresses one member that starts at `offset`, checks it, and returns where it ended. */
  read(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void>;
  /** Faster, for a caller that only reads each piece, and is done with it when it asks for the next. */
  scan?(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void>;
  /** Members around `source`: the same bytes for the same input and program. */
  write(source: Pieces, settings: CodecSettings): Members;
  /**
   * Unpacked bytes of the runs that become members; a source without cuts becomes one member.
   * Absent or undefined: the source is not cut.
   */
  runSize?(settings: CodecSettings): number | undefined;
  /** For a codec whose compressed runs can be reused by a later build. */
  readonly runs?: RunFormat;
}

interface MemberFault {
  readonly code: 'image-truncated' | 'image-corrupt' | 'image-unsupported' | 'image-invalid';
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}

/** The commands that compress as a kernel reads it. */
const packCommands: Readonly<Record<Exclude<Codec, 'none'>, string>> = {
  gzip: 'gzip -n',
  bzip2: 'bzip2',
  lzma: 'xz --format=lzma',
  xz: 'xz --check=crc32',
  lzo: 'lzop',
  lz4: 'lz4 -lc',
  zstd: 'zstd',
};

/** The hint for a member that a kernel would read if it were compressed in another way. */
export function hintToPackAgain({ name, start = 0 }: InputFile, { codec, offset }: PackedPart): string {
  const file = quoteFile(name);
  const head = offset - start;
  // The largest window of zstd is asked for by name.
  const unpack = codec === 'zstd' ? 'zstd -dc --long=31' : undefined;
  const packed = `${unpackFrom(file, { codec, offset: head }, unpack)} | ${packCommands[codec]}`;
  const command = head === 0 ? packed : `(head -c ${head} ${file}; ${packed})`;
  return `compress it again: ${command} > mended.img`;
}

export function createMemberError(
  file: InputFile,
  { code, offset, message, hint = 'get a new copy of the image' }: MemberFault,
): MobyPatchError {
  return new MobyPatchError('invalid', code, message, { path: file.name, offset, hint });
}

export function createTruncatedError(
  file: InputFile,
  { codec, offset }: { readonly codec: string; readonly offset: number },
): MobyPatchError {
  const message = `the file ends inside the ${codec} member that starts at ${offset}`;
  return createMemberError(file, { code: 'image-truncated', offset: file.size, message });
}
