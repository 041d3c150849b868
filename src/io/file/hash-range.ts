import { createHash, type Hash } from 'node:crypto';
import { type InputFile, passRange } from './input-file.js';

/** Hex SHA-256 of a part of a file. */
export async function hashRange(file: InputFile, offset: number, end: number): Promise<string> {
  const hash = createHash('sha256');
  await updateHash(hash, file, offset, end);
  return hash.digest('hex');
}

export async function updateHash(hash: Hash, file: InputFile, offset: number, end: number): Promise<void> {
  for await (const piece of passRange(file, offset, end)) hash.update(piece);
}
