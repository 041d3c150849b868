import { openKernelPayload } from '../../compress/kernel-payload.js';
import { detectKernelImage } from '../../format/kind/kernel-magic.js';
import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { Wrapper, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { findInitramfs } from './find-initramfs.js';

const title = 'a Linux kernel';
/** The archive of every kernel that was built without one (usr/default_cpio_list): /dev, /dev/console and /root. */
const defaultSize = 512;

/**
 * The initramfs inside of a kernel, which the kernel unpacks before an initrd. A kernel with the default one boots nothing of its own.
 * Undefined: there is none that can be found. Error (`invalid`): `wrapper-invalid`.
 */
export async function findInKernel(file: InputFile): Promise<Wrapper | undefined> {
  if (detectKernelImage(await file.read(0, Math.min(1024, file.size))) === undefined) return undefined;
  const found = await findInitramfs(openKernelPayload(file)).catch((error: unknown) => {
    // A missing decompressor or a damaged kernel must not stop a command that wants no part of the kernel.
    if (error instanceof MobyPatchError && error.kind !== 'interrupted') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const initramfs = { name: 'initramfs', ...found, isPacked: true };
  const kernel = { name: 'kernel', offset: 0, size: file.size };
  const parts = new Map([initramfs, kernel].map((part) => [part.name, part]));
  const boots = found.size <= defaultSize ? [] : [{ initrd: 'initramfs', kernel: 'kernel' }];
  return { kind: 'kernel', title, parts, obstacle, boots };
}

const obstacle: WrapperObstacle = {
  message: 'the initramfs inside of a kernel is only read',
  hint: '--as overlay writes an archive that the kernel takes as its initrd, and unpacks over what is inside',
  isSignature: false,
};

/** A part of the kernel proper, which the file holds compressed. */
export async function* readPacked(file: InputFile, { offset, size }: WrapperPart): Bytes {
  let at = 0;
  for await (const piece of openKernelPayload(file)) {
    const from = Math.max(0, offset - at);
    const to = Math.min(piece.length, offset + size - at);
    at += piece.length;
    if (from < to) yield piece.subarray(from, to);
    if (at >= offset + size) return;
  }
}
