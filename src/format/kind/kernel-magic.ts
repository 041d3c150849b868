/** Magic words of the protocols by which a boot loader starts a Linux kernel; architectures as QEMU names them. */
const words = [
  // Documentation/arch/x86/boot.rst
  { at: 0x202, word: 'HdrS', architecture: 'x86_64' },
  // Documentation/arch/arm64/booting.rst
  { at: 0x38, word: 'ARM\x64', architecture: 'aarch64' },
  // Documentation/arch/riscv/boot-image-header.rst
  { at: 0x38, word: 'RSC\x05', architecture: 'riscv64' },
] as const;

export type Architecture = (typeof words)[number]['architecture'];

/** Recognises the first 1024 bytes of a bzImage, an arm64 or a riscv Image; undefined for anything else. */
export function detectKernelImage(start: Uint8Array): Architecture | undefined {
  return words.find(({ at, word }) => String.fromCharCode(...start.subarray(at, at + word.length)) === word)
    ?.architecture;
}
