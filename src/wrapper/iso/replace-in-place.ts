import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { applyEdits, type WrapperPiece } from '../wrapper-write.js';

const sums = /^md5sum\.txt$/i;
/** Bytes of a list of sums. */
const largestSums = 16 * 2 ** 20;

/** Where the digits of a part's sum stand in a list of sums. */
export interface SumPlace {
  /** The list. */
  readonly list: WrapperPart;
  /** Bytes from the start of the image. */
  readonly offset: number;
}

/** The line of a part in md5sum.txt of Debian's and Ubuntu's installers; undefined: there is none. */
export async function findSum(
  file: InputFile,
  { parts }: Wrapper,
  { name }: WrapperPart,
): Promise<SumPlace | undefined> {
  const list = [...parts.values()].find((part) => sums.test(part.name) && part.size <= largestSums);
  if (list === undefined) return undefined;
  const text = Buffer.from(await file.read(list.offset, list.offset + list.size)).toString('latin1');
  for (const { 0: line, index } of text.matchAll(/^[0-9a-f]{32} [ *](?:\.\/)?(.*)$/gm))
    if (line.slice(34).replace(/^\.\//, '') === name) return { list, offset: list.offset + index };
  return undefined;
}

/**
 * Puts a new initrd, of exactly the old one's size, in its place; nothing else changes but its sum. `md5`: of the new one,
 * hex.
 */
export function replaceInPlace(
  size: number,
  part: WrapperPart,
  sum: (SumPlace & { readonly md5: string }) | undefined,
): WrapperPiece[] {
  const initrd = { offset: part.offset, end: part.offset + part.size, pieces: [{ kind: 'new' }] as const };
  if (sum === undefined) return applyEdits([initrd], size);
  const bytes = new TextEncoder().encode(sum.md5);
  const line = {
    offset: sum.offset,
    end: sum.offset + bytes.length,
    pieces: [{ kind: 'bytes', bytes }] as const,
  };
  return applyEdits([initrd, line], size);
}

/** Hex. Not for safety: installers look for damaged media with it. */
export async function digestMd5(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of source) hash.update(piece);
  return hash.digest('hex');
}
