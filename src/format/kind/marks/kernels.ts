import { type FileKind, type Mark, text } from '../mark.js';

const asKernel = (file: string) => `moby-patch build -i INITRD --kernel ${file}`;

/** Kernels, and what a boot loader takes in place of one. A kernel with an EFI stub is also a PE. */
export const kernelMarks: readonly Mark[] = [
  // Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst
  { id: 'bzimage', name: 'a Linux kernel (bzImage)', at: 0x202, bytes: text('HdrS'), help: asKernel },
  {
    id: 'arm64-image',
    name: 'a Linux kernel (arm64 Image)',
    at: 0x38,
    bytes: text('ARM\x64'),
    help: asKernel,
  },
  // Documentation/arch/riscv/boot-image-header.rst
  {
    id: 'riscv-image',
    name: 'a Linux kernel (riscv Image)',
    at: 0x38,
    bytes: text('RSC\x05'),
    help: asKernel,
  },
  // arch/arm/boot/compressed/head.S
  {
    id: 'arm-zimage',
    name: 'a Linux kernel (arm zImage)',
    at: 0x24,
    bytes: [0x18, 0x28, 0x6f, 0x01],
    help: () => 'give the initrd that it boots with',
  },
  // drivers/firmware/efi/libstub/zboot-header.S
  {
    id: 'zboot',
    name: 'a Linux kernel (EFI zboot)',
    at: 0,
    bytes: [...text('MZ'), undefined, undefined, ...text('zimg')],
    help: asKernel,
  },
  {
    id: 'pe',
    name: 'an EFI program (PE)',
    at: 0,
    bytes: text('MZ'),
    isKind: (start) => findSections(start) !== undefined,
    help: () => 'give the initrd that it boots with',
    refine: refineProgram,
  },
  {
    id: 'elf',
    name: 'an ELF file: a program, or a kernel (vmlinux)',
    at: 0,
    bytes: text('\x7fELF'),
    help: (file) => `${asKernel(file)} (if it is a kernel)`,
  },
  {
    id: 'uimage',
    name: 'a U-Boot image (uImage)',
    isWrapper: true,
    at: 0,
    bytes: [0x27, 0x05, 0x19, 0x56],
    help: (file) =>
      `dumpimage -l ${file} lists its parts; dumpimage -T multi -p NUMBER -o initrd.img ${file} (Debian: u-boot-tools)`,
  },
  {
    id: 'fit',
    name: 'a flattened device tree: a U-Boot FIT image, or a .dtb',
    isWrapper: true,
    at: 0,
    bytes: [0xd0, 0x0d, 0xfe, 0xed],
    help: (file) =>
      `dumpimage -l ${file} lists its parts; dumpimage -T flat_dt -p NUMBER -o initrd.img ${file} (Debian: u-boot-tools)`,
  },
  {
    id: 'android-boot',
    name: 'an Android boot image',
    isWrapper: true,
    at: 0,
    bytes: text('ANDROID!'),
    help: (file) =>
      `unpack_bootimg --boot_img ${file} --out parts, then give parts/ramdisk (Debian: mkbootimg)`,
  },
  {
    id: 'android-vendor-boot',
    name: 'an Android vendor_boot image',
    isWrapper: true,
    at: 0,
    bytes: text('VNDRBOOT'),
    help: (file) =>
      `unpack_bootimg --boot_img ${file} --out parts, then give parts/vendor_ramdisk (Debian: mkbootimg)`,
  },
];

function refineProgram(start: Uint8Array): Partial<FileKind> {
  if (!findSections(start)?.includes('.initrd')) return {};
  return {
    id: 'uki',
    name: 'a unified kernel image (UKI)',
    isWrapper: true,
    help: (file) => `objcopy -O binary --only-section=.initrd ${file} initrd.img`,
  };
}

/** Far more than any linker writes. */
const mostSections = 96;

/** The names of the sections of a PE; undefined for what is none. */
function findSections(start: Uint8Array): string[] | undefined {
  if (start.length < 0x40) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const head = view.getUint32(0x3c, true);
  if (head + 24 > start.length || view.getUint32(head, true) !== 0x4550) return undefined;
  const table = head + 24 + view.getUint16(head + 20, true);
  const count = Math.min(view.getUint16(head + 6, true), mostSections);
  return Array.from({ length: count }, (_, index) =>
    String.fromCharCode(...start.subarray(table + index * 40, table + index * 40 + 8)).replace(/\0+$/, ''),
  );
}
