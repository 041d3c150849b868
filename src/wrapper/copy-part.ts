import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { digestBytes } from '../io/digest.js';
import type { InputFile } from '../io/file/input-file.js';
import { readPieces } from '../io/file/read-write.js';
import type { WrapperPart } from '../model/image/wrapper.js';

export interface CopyOptions {
  /** A new file, for its owner alone. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

/** Copies a part of a wrapper: programs and QEMU read an image from its start to its end. */
export async function copyPart(
  file: InputFile,
  { offset, size }: WrapperPart,
  { destination, signal }: CopyOptions,
): Promise<void> {
  const bytes = readPieces(file, offset, offset + size);
  await pipeline(bytes, createWriteStream(destination, { mode: 0o600 }), { signal });
}

/** Hex. */
export function digestPart(file: InputFile, { offset, size }: WrapperPart): Promise<string> {
  return digestBytes(readPieces(file, offset, offset + size));
}
