import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { applyEdits, type WrapperEdit, type WrapperPiece } from '../wrapper-write.js';

/** As installers and live systems name it: `md5sum.txt`, or `sha256sum.txt` of live-build. */
const listName = /(?:^|\/)(md5|sha1|sha224|sha256|sha384|sha512)sums?(?:\.txt)?$/i;
/** Bytes of a list of sums. */
const largestSums = 16 * 2 ** 20;

export function isSumList({ name, within }: WrapperPart): boolean {
  return within === undefined && listName.test(name);
}

/** Where the digits of a part's sum stand in a list of sums. */
export interface SumPlace {
  /** The list. */
  readonly list: WrapperPart;
  /** As OpenSSL calls it. */
  readonly algorithm: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
  /** What stands there. */
  readonly before: string;
}

/** The lines of a part in the lists of sums of an image. */
export async function findSums(
  file: InputFile,
  { parts }: Pick<Wrapper, 'parts'>,
  { name }: WrapperPart,
): Promise<SumPlace[]> {
  // A list may have several names.
  const places = new Map<number, SumPlace>();
  for (const list of parts.values()) {
    const algorithm = listName.exec(list.name)?.[1]?.toLowerCase();
    if (algorithm === undefined || !isSumList(list) || list.size > largestSums) continue;
    const folder = list.name.slice(0, list.name.lastIndexOf('/') + 1);
    const text = Buffer.from(await file.read(list.offset, list.offset + list.size)).toString('latin1');
    for (const { path, digits, at } of listLines(text, algorithm)) {
      // In a folder some lists count from there, and others from the root.
      const found = parts.has(`${folder}${path}`) ? `${folder}${path}` : path;
      const offset = list.offset + at;
      if (found === name) places.set(offset, { list, algorithm, offset, before: digits });
    }
  }
  return [...places.values()];
}

interface SumLine {
  readonly path: string;
  readonly digits: string;
  /** Characters from the start of the list to the digits. */
  readonly at: number;
}

/** Lines as `md5sum` writes them, and with `--tag`, as BSD does. `text`: a character for each byte. */
function* listLines(text: string, algorithm: string): Generator<SumLine, void, void> {
  const line = /^(?:([0-9a-f]{32,128}) [ *](.*)|(\w+) ?\((.*)\) ?= ?([0-9a-f]{32,128})[ \t]*)$/gim;
  for (const { 0: whole, 1: plain, 2: name, 3: tag, 4: tagged, 5: last = '', index } of text.matchAll(line)) {
    const digits = plain ?? last;
    const path = Buffer.from(name ?? tagged ?? '', 'latin1').toString('utf8');
    if (digits.length !== sumSizes[algorithm] || (tag ?? algorithm).toLowerCase() !== algorithm) continue;
    const at = index + (plain === undefined ? whole.lastIndexOf(last) : 0);
    yield { path: path.replace(/^\.?\//, ''), digits, at };
  }
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
  return places.map((place) => {
    const own = digits.get(place.algorithm) ?? '';
    return { ...place, digits: /[A-F]/.test(place.before) ? own.toUpperCase() : own };
  });
}

export interface NewSum extends SumPlace {
  /** Hex. */
  readonly digits: string;
}

/** Puts a new initrd, of exactly the old one's size, in its place; nothing else changes but its sums. */
export function replaceInPlace(size: number, part: WrapperPart, places: readonly NewSum[]): WrapperPiece[] {
  const initrd = { offset: part.offset, end: part.offset + part.size, pieces: [{ kind: 'new' }] as const };
  return applyEdits([initrd, ...listEdits(places)], size);
}

/** Writes the new digits over the old ones. */
export function listEdits(sums: readonly NewSum[]): WrapperEdit[] {
  return sums.map(({ offset, digits }) => {
    const bytes = new TextEncoder().encode(digits);
    return { offset, end: offset + bytes.length, pieces: [{ kind: 'bytes', bytes }] };
  });
}

/** For the line of the report on what was written. */
export function nameLists(sums: readonly NewSum[]): string {
  return [...new Set(sums.map(({ list }) => list.name))].map((name) => `, and its line of ${name}`).join('');
}
