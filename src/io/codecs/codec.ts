import type { Bytes } from '../../model/entry.js';
import { MobyPatchError } from '../../model/error.js';
import type { Compression } from '../../model/layout.js';
import type { InputFile } from '../input-file.js';

/** What is known of a compressed member after its last byte was read. */
export interface MemberEnd {
  /** Bytes from the start of the file to the first byte behind the member. */
  readonly end: number;
  readonly level?: Compression['level'];
  readonly dictionary?: number | undefined;
}

/** How a member is written. */
export interface Settings {
  readonly level: number;
  /** Bytes, for xz and lzma: instead of the level's own. */
  readonly dictionary?: number | undefined;
  /** All in one member, for a loader that reads no more: slower, or more memory. */
  readonly single?: boolean | undefined;
}

export interface CodecImplementation {
  /** Decompresses one member that starts at `offset`, checks it, and returns where it ended. */
  read(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void>;
  /** Members around `source`, whose pieces must stay valid: the same bytes for the same input and program. */
  write(source: Bytes, settings: Settings): AsyncGenerator<Uint8Array, void, void>;
  /**
   * Bytes between two entries that begin a member; a source without `entryBoundary` becomes one member.
   * Absent or undefined: members are not cut.
   */
  runSize?(settings: Settings): number | undefined;
  readonly levels: { readonly lowest: number; readonly highest: number; readonly usual: number };
}

export function createMemberError(
  file: InputFile,
  code: 'image-truncated' | 'image-corrupt' | 'image-unsupported' | 'image-invalid',
  offset: number,
  message: string,
  hint = 'get a new copy of the image',
): MobyPatchError {
  return new MobyPatchError('invalid', code, message, { path: file.name, offset, hint });
}

export function createTruncatedError(file: InputFile, codec: string, offset: number): MobyPatchError {
  const message = `the file ends inside the ${codec} member that starts at ${offset}`;
  return createMemberError(file, 'image-truncated', file.size, message);
}
