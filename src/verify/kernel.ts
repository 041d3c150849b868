import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { MobyPatchError } from '../model/error.js';

export type Architecture = 'x86_64' | 'aarch64';

const startSize = 64 * 1024;

/** Reads the start of a kernel file; an error of kind `invalid` when it is not a Linux kernel QEMU can load. */
export async function detectKernel(path: string): Promise<Architecture> {
  const start = await readStart(path);
  const found = detectArchitecture(start);
  if (found !== undefined) return found;
  throw new MobyPatchError(
    'invalid',
    'kernel-unknown',
    `${path} is no Linux kernel: found neither a bzImage, an arm64 Image nor an ELF file`,
    { path, hint: 'name the kernel that boots with this image: --kernel FILE' },
  );
}

/** By the boot protocols of the kernel's Documentation: x86/boot.rst, arm64/booting.rst; and ELF's e_machine. */
export function detectArchitecture(start: Uint8Array): Architecture | undefined {
  if (readAscii(start, 0x202, 4) === 'HdrS') return 'x86_64';
  if (readAscii(start, 0x38, 4) === 'ARM\x64') return 'aarch64';
  if (readAscii(start, 0, 4) === '\x7fELF')
    return elfMachines.get((start[18] ?? 0) | ((start[19] ?? 0) << 8));
  // An arm64 kernel is often shipped as Image.gz, which QEMU unpacks by itself.
  if (start[0] === 0x1f && start[1] === 0x8b) return detectArchitecture(gunzipStart(start));
  return undefined;
}

const elfMachines = new Map<number, Architecture>([
  [62, 'x86_64'],
  [183, 'aarch64'],
]);

function readAscii(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

function gunzipStart(start: Uint8Array): Uint8Array {
  try {
    // The input is cut: with a sync flush at its end zlib gives what there is instead of an error.
    const unpacked = gunzipSync(start, { finishFlush: 2, maxOutputLength: 64 * startSize });
    return unpacked[0] === 0x1f ? new Uint8Array() : unpacked;
  } catch {
    return new Uint8Array();
  }
}

async function readStart(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startSize), 0, startSize, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new MobyPatchError('invalid', 'kernel-unreadable', `the kernel ${path} cannot be read (${code})`, {
      path,
      hint: 'name the kernel that boots with this image: --kernel FILE',
      cause,
    });
  }
}
