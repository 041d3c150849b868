import { dirname, join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { isFile } from '../io/file/exists.js';
import { openInputFile } from '../io/file/input-file.js';
import { createScratch } from '../io/place/scratch.js';
import type { FileAccess } from '../model/access.js';
import { MobyPatchError } from '../model/error/error.js';
import { isRootKind, type WrappedImage } from '../model/image/wrapper.js';
import type { ScanLimits } from '../model/limits.js';
import type { BootDisk } from '../model/result/boot.js';
import type { ScannedImage } from '../unpack/collector.js';
import { copyInner, type InnerPlace } from '../unpack/inner/copy-inner.js';
import { type OpenScannedOptions, openScanned } from '../unpack/open-image.js';
import { withScratch } from './scratch-image.js';

/**
 * The initrd inside of a file: the only one that it boots, or the one behind `#`. Undefined: the name is not that of a
 * wrapper. Errors (`invalid`): `wrapper-part`, `wrapper-invalid`.
 */
export async function findWrapped(
  name: string,
  folder: string,
  options: FindWrappedOptions,
): Promise<WrappedImage | undefined> {
  const at = name.lastIndexOf('#');
  const whole = resolve(folder, name);
  const isWhole = await isFile(whole);
  if (!isWhole && at <= 0) return undefined;
  const path = isWhole ? whole : resolve(folder, name.slice(0, at));
  if (!isWhole && !(await isFile(path))) return undefined;
  const { chooseInitrd, openWrapper } = await import('../wrapper/open-wrapper.js');
  const shown = isWhole ? name : name.slice(0, at);
  const wrapper = await openWrapper(path, shown);
  const part = name.slice(at + 1);
  if (wrapper === undefined)
    return isWhole ? undefined : await findInside({ path, name: shown, entry: part }, options);
  // A kernel with nothing inside is one for --kernel.
  if (isWhole && wrapper.kind === 'kernel' && wrapper.boots.length === 0) return undefined;
  return chooseInitrd({ path, wrapper }, { part: isWhole ? undefined : part, name: shown });
}

/** The same image of another file that has the same bytes, or the new ones. Errors: those of `findWrapped`. */
export async function findAgain(
  { entry, boot }: WrappedImage,
  path: string,
  options: FindWrappedOptions,
): Promise<WrappedImage | undefined> {
  return findWrapped(`${path}#${entry ?? boot.initrd}`, '/', options);
}

export interface OpenWrappedOptions extends OpenScannedOptions {
  readonly signal: AbortSignal;
  /** Default: `openScanned`. */
  readonly open?: typeof openScanned | undefined;
}

/** Opens the file at a path, or what is inside of it where it is wrapped. */
export async function openWrapped(
  path: string,
  wrapped: WrappedImage | undefined,
  { open = openScanned, ...options }: OpenWrappedOptions,
): Promise<ScannedImage> {
  if (wrapped === undefined) return open(path, options);
  return withScratch(async (folder) => {
    const destination = join(folder, 'wrapped.img');
    const access = await copyWrapped(wrapped, { ...options, destination });
    return { ...(await open(destination, options)), access };
  });
}

type FindWrappedOptions = Omit<CopyWrappedOptions, 'destination'>;

/** A file system in an initrd. Errors (`invalid`): `wrapper-part`, those of `openImage`. */
async function findInside(place: InnerPlace, options: FindWrappedOptions): Promise<WrappedImage> {
  const { openWrapper } = await import('../wrapper/open-wrapper.js');
  await using scratch = await createScratch();
  const inside = join(scratch.path, 'inside');
  await copyInner(place, { ...options, destination: inside });
  const wrapper = await openWrapper(inside, `${place.name}#${place.entry}`);
  const [boot] = wrapper?.boots ?? [];
  if (wrapper !== undefined && boot !== undefined && isRootKind(wrapper.kind))
    return { path: place.path, entry: place.entry, wrapper, boot };
  const message = `${place.entry} in it is no squashfs and no erofs`;
  throw new MobyPatchError('invalid', 'wrapper-part', message, {
    path: place.name,
    hint: `moby-patch ls ${place.name}:${place.entry} shows an initrd in an initrd`,
  });
}

export interface CopyWrappedOptions {
  /** A new file in a private folder. */
  readonly destination: string;
  readonly signal: AbortSignal;
  readonly limits?: Partial<ScanLimits> | undefined;
}

/** Copies the initrd to a new file and returns who may read the file around it. Errors: those of `copyInitrd` of the wrapper. */
async function copyWrapped(wrapped: WrappedImage, options: CopyWrappedOptions): Promise<FileAccess> {
  const { copyInitrd } = await import('../wrapper/copy-part.js');
  const folder = dirname(options.destination);
  const { path, entry } = wrapped;
  const inside = entry === undefined ? path : join(folder, 'inside.fs');
  if (entry !== undefined) await copyInner({ path, name: path, entry }, { ...options, destination: inside });
  await using file = await openInputFile(path);
  await using source = await openInputFile(inside);
  await copyInitrd(source, wrapped, { ...options, folder });
  await file.assertUnchanged();
  return file.access;
}

export interface UnwrappedImage extends AsyncDisposable {
  /** An initrd of its own, and its kernel where the wrapper has one. */
  readonly found: FoundImage;
  /** The file system whose content the initrd is. */
  readonly disk?: BootDisk | undefined;
  /** Who may read the file around it; absent: there is none. */
  readonly access?: FileAccess | undefined;
}

/** The image as files of its own, for QEMU; disposing removes the copies. */
export async function unwrapFound(
  found: FoundImage,
  options: Omit<CopyWrappedOptions, 'destination'>,
): Promise<UnwrappedImage> {
  const { wrapped } = found;
  // The initrd around a file system is what boots.
  if (wrapped === undefined || wrapped.entry !== undefined)
    return { found, [Symbol.asyncDispose]: async () => {} };
  const scratch = await createScratch();
  try {
    const initrd = join(scratch.path, 'wrapped.img');
    const access = await copyWrapped(wrapped, { ...options, destination: initrd });
    const { kernel: part } = wrapped.boot;
    const kernel = part === undefined ? found.kernel : join(scratch.path, 'kernel');
    if (part !== undefined && kernel !== undefined) {
      const boot = { ...wrapped.boot, initrd: part };
      await copyWrapped({ ...wrapped, boot }, { ...options, destination: kernel });
    }
    const dispose = () => scratch[Symbol.asyncDispose]();
    const { kind } = wrapped.wrapper;
    const disk = isRootKind(kind) ? { path: wrapped.path, type: kind } : undefined;
    return { found: { ...found, initrd, kernel }, disk, access, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}
