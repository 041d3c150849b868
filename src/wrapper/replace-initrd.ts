import { writeFile } from 'node:fs/promises';
import { type InputFile, openInputFile } from '../io/file/input-file.js';
import { readPieces } from '../io/file/read-write.js';
import { streamRegular } from '../io/file/regular-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { WrappedImage, WrapperPart } from '../model/image/wrapper.js';
import { replaceInAndroid } from './android/android.js';
import { replaceInVendorBoot } from './android/vendor-boot.js';
import { digestPart } from './copy-part.js';
import { createDifferenceError } from './difference-error.js';
import { replaceInFit } from './fit/replace-in-fit.js';
import { renewImplanted } from './iso/implanted-sum.js';
import { digestMd5, findSum, replaceInPlace } from './iso/replace-in-place.js';
import { type NewFile, writeWithXorriso } from './iso/xorriso.js';
import { findWrapper, partOf } from './open-wrapper.js';
import { replaceInUimage } from './uimage.js';
import { replaceInitrd as replaceInUki } from './uki/replace-section.js';
import { type WrapperPiece, type WrapperSources, writePieces } from './wrapper-write.js';

export interface ReplaceRequest {
  readonly wrapped: WrappedImage;
  /** The path of the new initrd. */
  readonly initrd: string;
  /** Whether the new initrd is the old one. */
  readonly isSame: boolean;
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface ReplacedInitrd extends AsyncDisposable {
  /** The new wrapper. */
  readonly bytes: Bytes;
  /** One line: how it was done. */
  readonly way: string;
}

/** A wrapper with a new initrd in it. Errors: `wrapper-unfit`, `wrapper-program`, `program-missing`. */
export async function replaceInitrd(request: ReplaceRequest): Promise<ReplacedInitrd> {
  const { wrapped, signal } = request;
  const old = { ...(await openInputFile(wrapped.path)), signal };
  const initrd = await openInputFile(request.initrd);
  const dispose = async () => {
    await initrd[Symbol.asyncDispose]();
    await old[Symbol.asyncDispose]();
  };
  try {
    const part = partOf(wrapped.wrapper, wrapped.boot.initrd);
    const sources = { old, initrd };
    if (request.isSame) {
      const bytes = readPieces(old, 0, old.size);
      return { bytes, way: 'unchanged', [Symbol.asyncDispose]: dispose };
    }
    if (wrapped.wrapper.kind === 'iso' && initrd.size !== part.size) {
      const destination = `${request.folder}/new.iso`;
      const files = [{ source: request.initrd, part }, ...(await writeSums(request, { old, initrd, part }))];
      const lost = await writeWithXorriso({ old, files, destination, signal });
      const image = streamRegular(destination);
      const { bytes, told } = await renewImplanted({ ...request, old, bytes: image });
      const way = `written by xorriso: the new initrd is larger than the old one${lost}${told}`;
      return { bytes, way, [Symbol.asyncDispose]: dispose };
    }
    if (wrapped.wrapper.kind !== 'iso') refuseHuge(old, initrd);
    const { pieces, way } = await planPieces(request, { old, initrd, part });
    const image = writePieces(pieces, sources);
    if (wrapped.wrapper.kind !== 'iso') return { bytes: image, way, [Symbol.asyncDispose]: dispose };
    const { bytes, told } = await renewImplanted({ ...request, old, bytes: image });
    return { bytes, way: way + told, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface OpenFiles {
  readonly old: InputFile;
  readonly initrd: InputFile;
  readonly part: WrapperPart;
}

/** Writes the list of sums with the sum of the new initrd to a file; no file where the image has no list. */
async function writeSums(
  { wrapped: { wrapper }, folder }: ReplaceRequest,
  { old, initrd, part }: OpenFiles,
): Promise<NewFile[]> {
  const sum = await findSum(old, wrapper, part);
  if (sum === undefined) return [];
  const { list, offset } = sum;
  const text = Buffer.from(await old.read(list.offset, list.offset + list.size));
  text.write(await digestMd5(readPieces(initrd, 0, initrd.size)), offset - list.offset, 'latin1');
  const source = `${folder}/sums`;
  await writeFile(source, text);
  return [{ source, part: list }];
}

interface PiecePlan extends Pick<ReplacedInitrd, 'way'> {
  readonly pieces: readonly WrapperPiece[];
}

async function planPieces(
  { wrapped: { wrapper } }: ReplaceRequest,
  { old, initrd, part }: OpenFiles,
): Promise<PiecePlan> {
  switch (wrapper.kind) {
    case 'iso': {
      const sum = await findSum(old, wrapper, part);
      const md5 = await digestMd5(readPieces(initrd, 0, initrd.size));
      const pieces = replaceInPlace(old.size, part, sum && { ...sum, md5 });
      const way = sum === undefined ? 'in its place' : 'in its place, and its line of md5sum.txt';
      return { pieces, way };
    }
    case 'uki':
      return {
        pieces: await replaceInUki({ old, initrd }, part.offset),
        way: 'as a section of the new size',
      };
    case 'uimage':
      return {
        pieces: await replaceInUimage({ old, initrd }, part.offset + part.size),
        way: 'with its header and both sums',
      };
    case 'fit':
      return { pieces: await replaceInFit({ old, initrd }, part.name), way: 'in its tree, with its sums' };
    case 'android':
      return { pieces: await replaceInBootImage({ old, initrd }, part.name), way: 'with its header' };
    case 'squashfs':
    case 'erofs':
    case 'kernel':
      throw new Error('a file system is written by writeRoot, and a kernel is not written');
  }
}

function replaceInBootImage(sources: WrapperSources, name: string): Promise<WrapperPiece[]> {
  return name === 'ramdisk' ? replaceInAndroid(sources) : replaceInVendorBoot(sources);
}

/** Sizes and places in these kinds have 32 bits. Error (`invalid`): `wrapper-unfit`. */
function refuseHuge(old: InputFile, initrd: InputFile): void {
  const size = old.size + initrd.size;
  if (size < 2 ** 32) return;
  const message = `found ${size} bytes of the old file and the new initrd, wanted less than 4 GiB`;
  throw new MobyPatchError('invalid', 'wrapper-unfit', message, {
    path: old.name,
    hint: 'use a smaller initrd: --level 9, or the step slim',
  });
}

export interface CheckRequest {
  readonly old: WrappedImage;
  /** The path of the new file. */
  readonly written: string;
  /** Of the new initrd, hex. */
  readonly sha256: string;
  readonly signal: AbortSignal;
}

/**
 * Reads a new wrapper back: the initrd is the new one, and each other part has the bytes that it had. Error (`failed`):
 * `wrapper-differs`.
 */
export async function checkWrapper({ old, written, sha256, signal }: CheckRequest): Promise<void> {
  await using before = await openInputFile(old.path);
  await using after = await openInputFile(written);
  const found = await findWrapper(after);
  const wanted = old.wrapper;
  const names = [...wanted.parts.values()].filter((part) => !part.isSignature).map(({ name }) => name);
  if (found === undefined || [...found.parts.keys()].sort().join('\0') !== names.sort().join('\0'))
    throw createDifferenceError(old.path, 'the new file has other parts');
  for (const [name, part] of found.parts) {
    signal.throwIfAborted();
    if (isBookkeeping(wanted.kind, name)) continue;
    const digest = await digestPart(after, part);
    const expected = name === old.boot.initrd ? sha256 : await digestPart(before, partOf(wanted, name));
    if (digest !== expected) throw createDifferenceError(old.path, `${name} is not what it must be`);
  }
}

/** What holds the place or the sum of other files, so that it changes with them. */
function isBookkeeping(kind: string, name: string): boolean {
  return (
    kind === 'iso' && /(?:^|\/)(?:md5sum\.txt|boot\.cat(?:alog)?|isolinux\.bin|eltorito\.img)$/i.test(name)
  );
}
