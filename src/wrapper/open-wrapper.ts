import { quoteFile } from '../format/kind/file-kind.js';
import { type InputFile, openInputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { WrappedImage, Wrapper, WrapperBoot, WrapperPart } from '../model/image/wrapper.js';

type Find = (file: InputFile) => Promise<Wrapper | undefined>;

/**
 * By the mark at the start of the file, for an ISO in its sector 16. The reader of a kind is loaded only when its mark is found, since
 * every command that takes an image looks for them.
 */
const finders: readonly { readonly at: number; readonly mark: string; load(): Promise<Find> }[] = [
  { at: 0x8001, mark: 'CD001', load: async () => (await import('./iso/iso.js')).findInIso },
  { at: 0, mark: 'MZ', load: async () => (await import('./uki/uki.js')).findInUki },
  // Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst: a kernel may be a program for EFI, too.
  { at: 0x202, mark: 'HdrS', load: async () => (await import('./kernel/kernel.js')).findInKernel },
  { at: 0x38, mark: 'ARM\x64', load: async () => (await import('./kernel/kernel.js')).findInKernel },
  { at: 0, mark: '\x27\x05\x19\x56', load: async () => (await import('./uimage.js')).findInUimage },
  { at: 0, mark: 'ANDROID!', load: async () => (await import('./android/android.js')).findInAndroid },
  {
    at: 0,
    mark: 'VNDRBOOT',
    load: async () => (await import('./android/vendor-boot.js')).findInVendorBoot,
  },
  { at: 0, mark: '\xd0\x0d\xfe\xed', load: async () => (await import('./fit/fit.js')).findInFit },
  { at: 0, mark: 'hsqs', load: async () => (await import('./root/root-format.js')).findSquashfs },
  { at: 1024, mark: '\xe2\xe1\xf5\xe0', load: async () => (await import('./root/root-format.js')).findErofs },
];

/** What a file wraps; undefined for a file that is no wrapper. Errors (`invalid`): `wrapper-invalid`, `image-unreadable`. */
export async function openWrapper(path: string, name: string): Promise<Wrapper | undefined> {
  await using file = await openInputFile(path, name);
  return await findWrapper(file);
}

export async function findWrapper(file: InputFile): Promise<Wrapper | undefined> {
  for (const { at, mark, load } of finders) {
    const bytes = Buffer.from(await file.read(at, at + mark.length)).toString('latin1');
    if (bytes !== mark) continue;
    const find = await load();
    const found = await find(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The initrd of a wrapper: the part that is named, or the only one that it boots. Error (`invalid`): `wrapper-part`.
 */
export function chooseInitrd(
  { path, wrapper }: Pick<WrappedImage, 'path' | 'wrapper'>,
  { part, name }: { readonly part: string | undefined; readonly name: string },
): WrappedImage {
  const { boots, parts, obstacle } = wrapper;
  if (part !== undefined) {
    if (wrapper.split?.includes(part)) throw createSplitError(name, wrapper, part);
    if (!parts.has(part)) throw createPartError(name, wrapper, `has no part ${JSON.stringify(part)}`);
    return { path, wrapper, boot: boots.find(({ initrd }) => initrd === part) ?? { initrd: part } };
  }
  const [boot, ...others] = boots;
  if (boot === undefined && obstacle !== undefined)
    throw new MobyPatchError('invalid', 'wrapper-unfit', obstacle.message, {
      path: name,
      hint: obstacle.hint,
    });
  if (boot === undefined) throw createPartError(name, wrapper, 'boots no initrd that its loaders name');
  const { copies = [] } = partOf(wrapper, boot.initrd);
  if (others.every(({ initrd }) => initrd === boot.initrd || copies.includes(initrd)))
    return { path, wrapper, boot };
  throw createPartError(name, wrapper, `boots ${listInitrds(boots).length} initrds, wanted one`);
}

/** Each initrd once, in the order of the loaders. */
function listInitrds(boots: readonly WrapperBoot[]): string[] {
  return [...new Set(boots.map(({ initrd }) => initrd))];
}

function createPartError(path: string, { title, boots, parts }: Wrapper, problem: string): MobyPatchError {
  const initrds = listInitrds(boots);
  const likely = [...parts.keys()].filter((name) => /initrd|initramfs|ramdisk/i.test(name)).sort();
  const names = (initrds.length > 0 ? initrds : likely).slice(0, 5);
  return new MobyPatchError('invalid', 'wrapper-part', `it is ${title}, and ${problem}`, {
    path,
    hint:
      names.length === 0
        ? `name a file of it, as ${quoteFile(`${path}#PATH`)}; it has ${[...parts.keys()].sort().slice(0, 5).join(', ')}`
        : `name one: ${names.map((name) => quoteFile(`${path}#${name}`)).join(', ')}`,
  });
}

function createSplitError(path: string, { title }: Wrapper, part: string): MobyPatchError {
  const message = `it is ${title}, and ${part} stands in several places of it, which is not read here`;
  return new MobyPatchError('invalid', 'wrapper-part', message, {
    path,
    hint: `xorriso -osirrox on -indev ${quoteFile(path)} -extract ${quoteFile(`/${part}`)} FILE takes it out (Debian: xorriso)`,
  });
}

/** The part of a name. */
export function partOf({ parts }: Wrapper, name: string): WrapperPart {
  const part = parts.get(name);
  if (part === undefined) throw new Error(`the wrapper has no part ${name}`);
  return part;
}

/** Bytes that a new initrd is filled up to with zeros, so that it takes the place of the old one; undefined: its own size. */
export function placeOf({ wrapper, boot }: WrappedImage): number | undefined {
  if (wrapper.kind !== 'iso') return undefined;
  const part = partOf(wrapper, boot.initrd);
  return isShared(wrapper, part) ? undefined : part.size;
}

/** Whether another part has bytes of it, as names of one file in an ISO do. A boot image has those of its files. */
export function isShared({ parts }: Wrapper, part: WrapperPart): boolean {
  const { name, offset, size } = part;
  return [...parts.values()].some(
    (other) =>
      other.name !== name &&
      other.size > 0 &&
      other.offset < offset + size &&
      other.offset + other.size > offset &&
      !isImageOf(other, part) &&
      !isImageOf(part, other),
  );
}

/** Whether a part is the boot image that another one is a file of. */
export function isImageOf(image: WrapperPart, { within }: WrapperPart): boolean {
  return image.offset === within?.offset && image.within === undefined;
}
