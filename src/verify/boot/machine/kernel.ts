import { gunzipSync } from 'node:zlib';
import { isElf } from '../../../format/kind/elf.js';
import { identifyFile } from '../../../format/kind/file-kind.js';
import { type Architecture, detectKernelImage } from '../../../format/kind/kernel-magic.js';
import { createUnreadableError, openRegular } from '../../../io/file/regular-file.js';
import { MobyPatchError } from '../../../model/error/error.js';

const startSize = 64 * 1024;
/** Up to the flags of loading. */
const setupSize = 0x238;

/** The architecture of a kernel file. Errors (`invalid`): `kernel-unreadable`, `kernel-unknown`. */
export async function detectKernel(path: string): Promise<Architecture> {
  const start = await readKernelStart(path);
  const architecture = detectArchitecture(start);
  if (architecture !== undefined) return architecture;
  const kind = identifyFile({ start });
  if (kind?.name.startsWith('a Linux kernel') === true)
    throw new MobyPatchError(
      'invalid',
      'kernel-unknown',
      `${path} is ${kind.name}, which cannot be booted here: found none of the kernels for x86, arm64 or riscv64`,
      { path, hint: 'build without a boot (--no-verify), and boot the result on its own machine' },
    );
  throw new MobyPatchError(
    'invalid',
    'kernel-unknown',
    `${path} is no Linux kernel: found ${kind?.name ?? 'neither a bzImage, an arm64 or riscv Image nor an ELF file'}`,
    { path, hint: 'name the kernel that boots with this image: --kernel FILE' },
  );
}

/** The version of the boot protocol that a bzImage speaks, 0x20c for 2.12 (Documentation/arch/x86/boot.rst). Undefined: another kernel. */
export function readProtocol(start: Buffer): number | undefined {
  const isProtocol = start.length >= setupSize && start.toString('latin1', 0x202, 0x206) === 'HdrS';
  return isProtocol ? start.readUInt16LE(0x206) : undefined;
}

/** By the fields of the boot protocols, and by ELF's e_machine. @internal */
export function detectArchitecture(start: Uint8Array): Architecture | undefined {
  const image = detectKernelImage(start);
  if (image !== undefined) return image;
  if (isElf(start)) return elfMachines.get((start[18] ?? 0) | ((start[19] ?? 0) << 8));
  // An arm64 kernel is often shipped as Image.gz, which QEMU unpacks by itself.
  if (start[0] === 0x1f && start[1] === 0x8b) return detectArchitecture(gunzipStart(start));
  return undefined;
}

const elfMachines = new Map<number, Architecture>([
  [62, 'x86_64'],
  [183, 'aarch64'],
  [243, 'riscv64'],
]);

function gunzipStart(start: Uint8Array): Uint8Array {
  try {
    // The input is cut: with a sync flush at its end zlib returns what there is instead of an error.
    const unpacked = gunzipSync(start, { finishFlush: 2, maxOutputLength: 64 * startSize });
    return unpacked[0] === 0x1f ? new Uint8Array() : unpacked;
  } catch {
    return new Uint8Array();
  }
}

/** Its first 64 KiB. Error (`invalid`): `kernel-unreadable`. */
export async function readKernelStart(path: string): Promise<Buffer> {
  try {
    await using file = await openRegular(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startSize), 0, startSize, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    const hint = 'name the kernel that boots with this image: --kernel FILE';
    throw createUnreadableError(cause, { code: 'kernel-unreadable', what: 'the kernel', path, hint });
  }
}
