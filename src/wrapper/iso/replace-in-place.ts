import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { applyEdits, type WrapperPiece } from '../wrapper-write.js';

/** As installers and live systems name it: `md5sum.txt`, or `sha256sum.txt` of live-build. */
const sums = /^(md5|sha1|sha224|sha256|sha384|sha512)sums?(?:\.txt)?$/i;
/** Bytes of a list of sums. */
const largestSums = 16 * 2 ** 20;

export function isSumList(name: string): boolean {
  return sums.test(name);
}

/** Where the digits of a part's sum stand in a list of sums. */
export interface SumPlace {
  /** The list. */
  readonly list: WrapperPart;
  /** As OpenSSL calls it. */
  readonly algorithm: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
}

/** The lines of a part in the lists of sums of an image. */
export async function findSums(
  file: InputFile,
  { parts }: Pick<Wrapper, 'parts'>,
  { name }: WrapperPart,
): Promise<SumPlace[]> {
  const places: SumPlace[] = [];
  for (const list of parts.values()) {
    const algorithm = sums.exec(list.name)?.[1]?.toLowerCase();
    if (algorithm === undefined || list.size > largestSums) continue;
    const text = Buffer.from(await file.read(list.offset, list.offset + list.size)).toString('latin1');
    for (const { 0: line, 1: digits = '', index } of text.matchAll(/^([0-9a-f]{32,128}) [ *].*$/gm))
      if (
        digits.length === sumSizes[algorithm] &&
        line.slice(digits.length + 2).replace(/^\.?\//, '') === name
      )
        places.push({ list, algorithm, offset: list.offset + index });
  }
  return places;
}

/** Digits of each. */
const sumSizes: Readonly<Record<string, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** Whether a list shares bytes with a file that is not the same one under another name. */
export function isTorn({ parts }: Pick<Wrapper, 'parts'>, { list: { offset, size } }: SumPlace): boolean {
  return [...parts.values()].some(
    (other) =>
      other.size > 0 &&
      (other.offset !== offset || other.size !== size) &&
      other.offset < offset + size &&
      other.offset + other.size > offset,
  );
}

/** The new digits of each place. Not for safety: installers look for damaged media with them. */
export async function digestSums(
  places: readonly SumPlace[],
  read: () => AsyncIterable<Uint8Array>,
): Promise<NewSum[]> {
  if (places.length === 0) return [];
  const hashes = new Map(places.map(({ algorithm }) => [algorithm, createHash(algorithm)]));
  for await (const piece of read()) for (const hash of hashes.values()) hash.update(piece);
  const digits = new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest('hex')]));
  return places.map((place) => ({ ...place, digits: digits.get(place.algorithm) ?? '' }));
}

export interface NewSum extends SumPlace {
  /** Hex. */
  readonly digits: string;
}

/** Puts a new initrd, of exactly the old one's size, in its place; nothing else changes but its sums. */
export function replaceInPlace(size: number, part: WrapperPart, places: readonly NewSum[]): WrapperPiece[] {
  const initrd = { offset: part.offset, end: part.offset + part.size, pieces: [{ kind: 'new' }] as const };
  const lines = places.map(({ offset, digits }) => {
    const bytes = new TextEncoder().encode(digits);
    return { offset, end: offset + bytes.length, pieces: [{ kind: 'bytes', bytes }] as const };
  });
  return applyEdits([initrd, ...lines], size);
}
