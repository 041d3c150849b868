import { join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { isFile } from '../io/file/exists.js';
import { openInputFile } from '../io/file/input-file.js';
import { createScratch } from '../io/place/scratch.js';
import type { FileAccess } from '../model/access.js';
import type { WrappedImage } from '../model/image/wrapper.js';

/**
 * The initrd inside of a file: the only one that it boots, or the one behind `#`. Undefined: the name is not that of a
 * wrapper. Errors (`invalid`): `wrapper-part`, `wrapper-invalid`.
 */
export async function findWrapped(name: string, folder: string): Promise<WrappedImage | undefined> {
  const at = name.lastIndexOf('#');
  const whole = resolve(folder, name);
  const isWhole = await isFile(whole);
  if (!isWhole && at <= 0) return undefined;
  const path = isWhole ? whole : resolve(folder, name.slice(0, at));
  if (!isWhole && !(await isFile(path))) return undefined;
  const { chooseInitrd, openWrapper } = await import('../wrapper/open-wrapper.js');
  const shown = isWhole ? name : name.slice(0, at);
  const wrapper = await openWrapper(path, shown);
  if (wrapper === undefined) return undefined;
  return chooseInitrd({ path, wrapper }, { part: isWhole ? undefined : name.slice(at + 1), name: shown });
}

/** Copies the initrd to a new file; who may read the file around it. */
export async function copyInitrd(
  { path, wrapper, boot }: WrappedImage,
  destination: string,
  signal: AbortSignal,
): Promise<FileAccess> {
  const { copyPart } = await import('../wrapper/copy-part.js');
  const { partOf } = await import('../wrapper/open-wrapper.js');
  await using file = await openInputFile(path);
  await copyPart(file, partOf(wrapper, boot.initrd), { destination, signal });
  await file.assertUnchanged();
  return file.access;
}

export interface UnwrappedImage extends AsyncDisposable {
  /** An initrd of its own, and its kernel where the wrapper has one. */
  readonly found: FoundImage;
  /** Who may read the file around it; absent: there is none. */
  readonly access?: FileAccess | undefined;
}

/** The image as files of its own, for QEMU; disposing removes the copies. */
export async function unwrapFound(found: FoundImage, signal: AbortSignal): Promise<UnwrappedImage> {
  const { wrapped } = found;
  if (wrapped === undefined) return { found, [Symbol.asyncDispose]: async () => {} };
  const scratch = await createScratch();
  try {
    const initrd = join(scratch.path, 'wrapped.img');
    const access = await copyInitrd(wrapped, initrd, signal);
    const { kernel: part } = wrapped.boot;
    const kernel = part === undefined ? undefined : join(scratch.path, 'kernel');
    if (part !== undefined && kernel !== undefined) {
      const boot = { ...wrapped.boot, initrd: part };
      await copyInitrd({ ...wrapped, boot }, kernel, signal);
    }
    const dispose = () => scratch[Symbol.asyncDispose]();
    return { found: { ...found, initrd, kernel }, access, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}
