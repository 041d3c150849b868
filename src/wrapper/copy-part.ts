import { digestBytes } from '../io/digest.js';
import { hashRange } from '../io/file/hash-range.js';
import { type InputFile, passRange } from '../io/file/input-file.js';
import { saveBytes } from '../io/file/save-bytes.js';
import type { Bytes } from '../model/image/entry.js';
import { isRootKind, type WrappedImage, type WrapperPart } from '../model/image/wrapper.js';
import type { ScanLimits } from '../model/limits.js';
import { partOf } from './open-wrapper.js';
import { checkSums } from './part-sums.js';
import type { RootTree } from './root/root-tree.js';

export interface CopyOptions {
  /** A new file, for its owner alone. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

/** Copies a part of a wrapper: programs and QEMU read an image from its start to its end. Error (`invalid`): `wrapper-invalid`. */
export async function copyPart(
  file: InputFile,
  part: WrapperPart,
  { destination, signal }: CopyOptions,
): Promise<void> {
  await saveBytes(destination, checkSums(file, part, readPart(file, part)), signal);
}

/** Hex. */
export function digestPart(file: InputFile, part: WrapperPart): Promise<string> {
  const { offset, size, isPacked } = part;
  return isPacked ? digestBytes(readPart(file, part)) : hashRange(file, offset, offset + size);
}

/** Each piece is valid until the next is asked for. */
async function* readPart(file: InputFile, part: WrapperPart): Bytes {
  const { offset, size, isPacked } = part;
  if (isPacked) yield* (await import('./kernel/kernel.js')).readPacked(file, part);
  else yield* passRange(file, offset, offset + size);
}

export interface CopyInitrdOptions extends CopyOptions {
  /** A private folder. */
  readonly folder: string;
  readonly limits?: Partial<ScanLimits> | undefined;
}

/**
 * Copies the initrd of a wrapper. For a file system it writes an archive of the entries, and returns the tree. Errors: those of
 * `readRoot` and `archiveRoot`.
 */
export async function copyInitrd(
  file: InputFile,
  { wrapper, boot }: Pick<WrappedImage, 'wrapper' | 'boot'>,
  options: CopyInitrdOptions,
): Promise<RootTree | undefined> {
  const { destination, signal } = options;
  if (!isRootKind(wrapper.kind)) {
    await copyPart(file, partOf(wrapper, boot.initrd), options);
    return undefined;
  }
  const { readRoot } = await import('./root/root-format.js');
  const { archiveRoot } = await import('./root/archive-root.js');
  const root = await readRoot(file, wrapper.kind, options);
  await saveBytes(destination, archiveRoot(root.entries, file.name), signal);
  return root;
}
