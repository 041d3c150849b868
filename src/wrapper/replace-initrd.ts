import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { type InputFile, openInputFile, passRange } from '../io/file/input-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { saveBytes } from '../io/file/save-bytes.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { WrappedImage, Wrapper, WrapperPart } from '../model/image/wrapper.js';
import { replaceInAndroid } from './android/android.js';
import { replaceInVendorBoot } from './android/vendor-boot.js';
import { digestPart } from './copy-part.js';
import { createDifferenceError } from './difference-error.js';
import { replaceInFit } from './fit/replace-in-fit.js';
import { digestBootImage } from './iso/boot-catalog.js';
import { followLists } from './iso/follow-lists.js';
import { renewImplanted } from './iso/implanted-sum.js';
import { renewPlaced } from './iso/renew-placed.js';
import { listOuter, listTargets, replaceInImages } from './iso/replace-in-iso.js';
import {
  digestSums,
  findSums,
  isTorn,
  type NewSum,
  nameLists,
  replaceInPlace,
} from './iso/replace-in-place.js';
import { type NewFile, withoutXorriso, writeWithXorriso } from './iso/xorriso.js';
import { findWrapper, isImageOf, isShared, partOf } from './open-wrapper.js';
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
  /** The new wrapper; each piece is valid until the next is asked for. */
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
      const bytes = passRange(old, 0, old.size);
      return { bytes, way: 'unchanged', [Symbol.asyncDispose]: dispose };
    }
    if (wrapped.wrapper.kind === 'iso') {
      const { bytes, way } = await replaceInIso(request, { old, initrd, part });
      return { bytes, way, [Symbol.asyncDispose]: dispose };
    }
    refuseHuge(old, initrd);
    const { pieces, way } = await planPieces(wrapped.wrapper, { old, initrd, part });
    return { bytes: writePieces(pieces, sources), way, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function replaceInIso(
  request: ReplaceRequest,
  { old, initrd, part }: OpenFiles,
): Promise<Pick<ReplacedInitrd, 'bytes' | 'way'>> {
  const { wrapped, folder, signal } = request;
  const { wrapper } = wrapped;
  const outer = listOuter(wrapper, part);
  const apart = await Promise.all(outer.map((target) => isBound(wrapper, target, old)));
  const isApart = apart.includes(true);
  if (outer.length === 0 || (initrd.size === part.size && !isApart)) {
    const { pieces, way } = await planPieces(wrapper, { old, initrd, part });
    const image = writePieces(pieces, { old, initrd });
    const { bytes, told } = await renewImplanted({ ...request, old, bytes: image });
    return { bytes, way: way + told };
  }
  const images = await replaceInImages(wrapper, { old, initrd, part, outer: [] });
  const path = `${folder}/images.iso`;
  if (images !== undefined) await saveBytes(path, writePieces(images.pieces, { old, initrd }), signal);
  await using base = await openInputFile(images === undefined ? wrapped.path : path, old.name);
  const sums = await writeSums(request, { old: base, initrd, parts: outer });
  const files = [...outer.map((target) => ({ source: request.initrd, part: target })), ...sums];
  const destination = `${folder}/new.iso`;
  const lost = await writeWithXorriso({ old: base, files, destination, signal });
  const image = streamRegular(await renewPlaced(base, wrapper, { path: destination, signal }));
  const { bytes, told } = await renewImplanted({ ...request, old, bytes: image });
  const reason = isApart
    ? 'another file has bytes of what changes, and keeps them'
    : 'the new initrd is larger than the old one';
  const inside = images === undefined ? '' : `, ${images.way}`;
  return { bytes, way: `written by xorriso: ${reason}${inside}${lost}${told}` };
}

/** Whether another file of an ISO has bytes that a new initrd or its sums would change. @internal */
export async function isBound(wrapper: Wrapper, part: WrapperPart, old: InputFile): Promise<boolean> {
  if (isShared(wrapper, part)) return true;
  return (await findSums(old, wrapper, part)).some((sum) => isTorn(wrapper, sum));
}

interface OpenFiles {
  readonly old: InputFile;
  readonly initrd: InputFile;
  readonly part: WrapperPart;
}

/** Writes each list of sums with those of the new initrd to a file. */
async function writeSums(
  { wrapped: { wrapper }, folder }: ReplaceRequest,
  { old, initrd, parts }: Omit<OpenFiles, 'part'> & { readonly parts: readonly WrapperPart[] },
): Promise<NewFile[]> {
  const files: NewFile[] = [];
  const all = await Promise.all(parts.map((part) => sumNew(wrapper, { old, initrd, part })));
  const sums = await followLists(old, wrapper, all.flat());
  for (const list of new Set(sums.map((sum) => sum.list))) {
    const text = Buffer.from(await old.read(list.offset, list.offset + list.size));
    for (const { offset, digits } of sums.filter((sum) => sum.list === list))
      text.write(digits, offset - list.offset, 'latin1');
    const source = `${folder}/sums-${files.length}`;
    await writeFile(source, text);
    files.push({ source, part: list });
  }
  return files;
}

async function sumNew(wrapper: Pick<Wrapper, 'parts'>, { old, initrd, part }: OpenFiles): Promise<NewSum[]> {
  return digestSums(await findSums(old, wrapper, part), () => passRange(initrd, 0, initrd.size));
}

interface PiecePlan extends Pick<ReplacedInitrd, 'way'> {
  readonly pieces: readonly WrapperPiece[];
}

/** What the new file is made of; in an ISO the new initrd has the size of the old one. @internal */
export async function planPieces(
  { kind, parts }: Wrapper,
  { old, initrd, part }: OpenFiles,
): Promise<PiecePlan> {
  switch (kind) {
    case 'iso': {
      const outer = listOuter({ parts }, part);
      const images = await replaceInImages({ parts }, { old, initrd, part, outer });
      if (images !== undefined) return images;
      const sums = await followLists(old, { parts }, await sumNew({ parts }, { old, initrd, part }));
      return { pieces: replaceInPlace(old.size, part, sums), way: `in its place${nameLists(sums)}` };
    }
    case 'uki':
      return {
        pieces: await replaceInUki({ old, initrd }, part.offset),
        way: 'as a section of the new size',
      };
    case 'uimage':
      return {
        pieces: await replaceInUimage({ old, initrd }, part),
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
  return name === 'ramdisk' ? replaceInAndroid(sources) : replaceInVendorBoot(sources, name);
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
export async function checkWrapper({ written, ...request }: CheckRequest): Promise<void> {
  await using before = await openInputFile(request.old.path);
  await using after = await openInputFile(written);
  await compareWrappers(before, after, request);
}

/** The same of open files. @internal */
export async function compareWrappers(
  before: InputFile,
  after: InputFile,
  { old, sha256, signal }: Omit<CheckRequest, 'written'>,
): Promise<void> {
  const found = await findWrapper(after);
  const wanted = old.wrapper;
  const hint = wanted.kind === 'iso' ? withoutXorriso : undefined;
  const differ = (what: string) => createDifferenceError(old.path, what, hint);
  const names = [...wanted.parts.values()].filter((part) => !part.isSignature).map(({ name }) => name);
  if (found === undefined || [...found.parts.keys()].sort().join('\0') !== names.sort().join('\0'))
    throw differ('the new file has other parts');
  // xorriso makes the short names of an ISO anew, and a loader may read those alone.
  if (!isDeepStrictEqual(found.boots, wanted.boots))
    throw differ('the loaders of the new file find other files');
  const targets = listTargets(wanted, partOf(wanted, old.boot.initrd));
  for (const [name, part] of found.parts) {
    signal.throwIfAborted();
    const own = partOf(wanted, name);
    const isNew = targets.some((target) => target.name === name);
    // The files of a boot image are compared one by one.
    const isAround = targets.some((target) => isImageOf(own, target));
    if (isAround || (own.follows === 'all' && !isNew)) continue;
    const digestOther = own.follows === 'place' ? digestBootImage : digestPart;
    const digest = await (isNew ? digestPart(after, part) : digestOther(after, part));
    const expected = isNew ? sha256 : await digestOther(before, own);
    if (digest !== expected) throw differ(`${name} is not what it must be`);
  }
}
