import type { FileHandle } from 'node:fs/promises';
import { abortable } from '../io/abortable.js';
import { digestBytes } from '../io/digest.js';
import { readAt, readPieces } from '../io/file/read-write.js';
import type { BlobSource } from './blobs.js';

/** An open file as a blob: read once for its digest, and again where it is sent. */
export async function createFileBlob(
  file: FileHandle,
  mediaType: string,
  signal: AbortSignal,
): Promise<BlobSource> {
  const { size } = await file.stat();
  const read = (offset: number, end: number) => readAt(file, offset, end);
  const digest = `sha256:${await digestBytes(abortable(readPieces({ read }, 0, size), signal))}`;
  return { descriptor: { mediaType, digest, size }, read };
}
