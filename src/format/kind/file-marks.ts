/** What a file or the content of a member is in place of an initrd. */
export interface FileKind {
  /** Stable: `ext4`, `qcow2`. */
  readonly id: string;
  /** With its article: `an ext4 file system`. */
  readonly name: string;
  /** Applications boot it as a disk, without an initrd beside it. */
  readonly isDisk?: boolean | undefined;
  /** Commands that get an image or a root out of it. `file`: how a shell names it. */
  help(file: string): string;
}

/** A row of the table of what a file can be. */
export interface Mark extends FileKind {
  /** Where the bytes stand; negative: from the end of the file. */
  readonly at: number;
  /** `undefined`: any byte. */
  readonly bytes: readonly (number | undefined)[];
  /** What else must hold. */
  readonly isKind?: (start: Uint8Array) => boolean;
  /** What the file tells beyond its kind. */
  readonly refine?: (start: Uint8Array) => Partial<FileKind>;
}

const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
const asRoot = 'moby-patch repack root -o initrd.img';
const asKernel = (file: string) => `moby-patch build -i INITRD --kernel ${file}`;
const asDisk = (file: string) =>
  `losetup --find --show --partscan --read-only ${file}, mount its partition, and give the initrd in it`;
const convert = (file: string) => `qemu-img convert -O raw ${file} disk.raw; ${asDisk('disk.raw')}`;
const mount = (file: string) => `mkdir root && mount -o loop,ro ${file} root && ${asRoot}`;
const copyIn = (file: string) => `mkdir root && cpio -idm -D root < ${file} && ${asRoot}`;

/** The more special ones first: a kernel with an EFI stub is also a PE, and an ISO for USB sticks also a disk. */
export const marks: readonly Mark[] = [
  // Of a fixed size: in front of its last sector it is a disk like any other.
  { id: 'vhd', name: 'a VHD disk', at: -512, bytes: text('conectix'), help: convert },
  // Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst
  { id: 'bzimage', name: 'a Linux kernel (bzImage)', at: 0x202, bytes: text('HdrS'), help: asKernel },
  {
    id: 'arm64-image',
    name: 'a Linux kernel (arm64 Image)',
    at: 0x38,
    bytes: text('ARM\x64'),
    help: asKernel,
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
    help: asKernel,
  },
  {
    id: 'uimage',
    name: 'a U-Boot image (uImage)',
    at: 0,
    bytes: [0x27, 0x05, 0x19, 0x56],
    help: (file) => `dumpimage -T ramdisk -p 0 -o initrd.img ${file} (Debian: u-boot-tools)`,
  },
  {
    id: 'fit',
    name: 'a flattened device tree: a U-Boot FIT image, or a .dtb',
    at: 0,
    bytes: [0xd0, 0x0d, 0xfe, 0xed],
    help: (file) =>
      `dumpimage -l ${file} lists its parts; dumpimage -T flat_dt -p NUMBER -o initrd.img ${file} (Debian: u-boot-tools)`,
  },
  {
    id: 'android-boot',
    name: 'an Android boot image',
    at: 0,
    bytes: text('ANDROID!'),
    help: (file) =>
      `unpack_bootimg --boot_img ${file} --out parts, then give parts/ramdisk (Debian: mkbootimg)`,
  },
  {
    id: 'android-vendor-boot',
    name: 'an Android vendor_boot image',
    at: 0,
    bytes: text('VNDRBOOT'),
    help: (file) =>
      `unpack_bootimg --boot_img ${file} --out parts, then give parts/vendor_ramdisk (Debian: mkbootimg)`,
  },
  // ECMA-119 8.1: the first volume descriptor is in sector 16.
  {
    id: 'iso9660',
    name: 'an ISO 9660 disk',
    isDisk: true,
    at: 0x8001,
    bytes: text('CD001'),
    help: (file) =>
      `xorriso -osirrox on -indev ${file} -find / -name 'initrd*'; xorriso -osirrox on -indev ${file} -extract /PATH initrd.img`,
  },
  // What comes in the place of a download.
  ...['<!DOCTYPE ', '<!doctype ', '<html', '<HTML'].map((start) => ({
    id: 'html',
    name: 'a web page (HTML)',
    at: 0,
    bytes: text(start),
    help: () => 'download the file itself: curl -fLO URL',
  })),
  {
    id: 'git-lfs',
    name: 'a pointer of Git LFS to a file elsewhere',
    at: 0,
    bytes: text('version https://git-lfs'),
    help: () => 'git lfs pull, in the repository that it is from',
  },
  {
    id: 'luks',
    name: 'an encrypted disk (LUKS)',
    isDisk: true,
    at: 0,
    bytes: [...text('LUKS'), 0xba, 0xbe],
    help: (file) => `cryptsetup open --readonly ${file} inside; ${asDisk('/dev/mapper/inside')}`,
  },
  { id: 'xfs', name: 'an XFS file system', at: 0, bytes: text('XFSB'), help: mount },
  { id: 'f2fs', name: 'an F2FS file system', at: 0x400, bytes: [0x10, 0x20, 0xf5, 0xf2], help: mount },
  ...[0x36, 0x52].map((at) => ({
    id: 'fat',
    name: 'a FAT file system',
    at,
    bytes: text('FAT'),
    help: mount,
  })),
  {
    id: '7z',
    name: 'a 7z archive',
    at: 0,
    bytes: [...text('7z'), 0xbc, 0xaf, 0x27, 0x1c],
    help: (file) => `7z x -oparts ${file}, then give the initrd in parts (Debian: p7zip-full)`,
  },
  { id: 'qcow2', name: 'a qcow2 disk', at: 0, bytes: [...text('QFI'), 0xfb], help: convert },
  { id: 'vhdx', name: 'a VHDX disk', at: 0, bytes: text('vhdxfile'), help: convert },
  { id: 'vhd', name: 'a VHD disk', at: 0, bytes: text('conectix'), help: convert },
  { id: 'vmdk', name: 'a VMDK disk', at: 0, bytes: text('KDMV'), help: convert },
  { id: 'vmdk', name: 'a VMDK disk', at: 0, bytes: text('# Disk Descriptor'), help: convert },
  {
    id: 'squashfs',
    name: 'a squashfs file system',
    at: 0,
    bytes: text('hsqs'),
    help: (file) => `unsquashfs -d root ${file} && ${asRoot}`,
  },
  {
    id: 'ext2',
    name: 'an ext2 file system',
    at: 0x438,
    bytes: [0x53, 0xef],
    help: (file) => `mkdir root && debugfs -R "rdump / root" ${file} && ${asRoot}`,
    refine: refineExt,
  },
  // Documentation/filesystems/erofs.rst
  {
    id: 'erofs',
    name: 'an erofs file system',
    isDisk: true,
    at: 0x400,
    bytes: [0xe2, 0xe1, 0xf5, 0xe0],
    help: (file) => `fsck.erofs --extract=root ${file} && ${asRoot}`,
  },
  { id: 'cramfs', name: 'a cramfs file system', at: 0, bytes: [0x45, 0x3d, 0xcd, 0x28], help: extractCram },
  { id: 'cramfs', name: 'a cramfs file system', at: 512, bytes: [0x45, 0x3d, 0xcd, 0x28], help: extractCram },
  { id: 'romfs', name: 'a romfs file system', at: 0, bytes: text('-rom1fs-'), help: mount },
  {
    id: 'tar',
    name: 'a tar archive',
    at: 257,
    bytes: text('ustar'),
    help: (file) => `moby-patch repack ${file} -o initrd.img`,
  },
  {
    id: 'zip',
    name: 'a zip archive',
    at: 0,
    bytes: [...text('PK'), 3, 4],
    help: (file) => `unzip -d parts ${file}, then give the initrd in parts`,
  },
  {
    id: 'rpm',
    name: 'an RPM package',
    at: 0,
    bytes: [0xed, 0xab, 0xee, 0xdb],
    help: (file) => `mkdir parts && rpm2cpio ${file} | cpio -idm -D parts, then give the initrd in parts`,
  },
  {
    id: 'deb',
    name: 'a Debian package',
    at: 0,
    bytes: text('!<arch>\ndebian-binary'),
    help: (file) => `dpkg-deb -x ${file} parts, then give the initrd in parts`,
  },
  {
    id: 'cpio-odc',
    name: 'a cpio archive of the old portable format (070707)',
    at: 0,
    bytes: text('070707'),
    help: copyIn,
  },
  {
    id: 'cpio-binary',
    name: 'a cpio archive of the old binary format',
    at: 0,
    bytes: [0xc7, 0x71],
    help: copyIn,
  },
  {
    id: 'cpio-binary',
    name: 'a cpio archive of the old binary format',
    at: 0,
    bytes: [0x71, 0xc7],
    help: copyIn,
  },
  {
    id: 'lz4-frame',
    name: 'an lz4 frame of the usual format (a kernel reads the legacy one)',
    at: 0,
    bytes: [0x04, 0x22, 0x4d, 0x18],
    help: (file) => `lz4 -dc ${file} | lz4 -lc > initrd.img`,
  },
  {
    id: 'zstd-skippable',
    name: 'zstd with a skippable frame first (pzstd), which a kernel does not skip',
    at: 0,
    bytes: [undefined, 0x2a, 0x4d, 0x18],
    isKind: (start) => ((start[0] ?? 0) & 0xf0) === 0x50,
    help: (file) => `zstd -dc ${file} | zstd > initrd.img`,
  },
  { id: 'disk', name: 'a disk with partitions (GPT)', at: 0x200, bytes: text('EFI PART'), help: asDisk },
  {
    id: 'disk',
    name: 'a disk with a boot record (MBR)',
    at: 0x1fe,
    bytes: [0x55, 0xaa],
    isKind: hasPartitions,
    help: asDisk,
  },
];

function extractCram(file: string): string {
  return `fsck.cramfs --extract=root ${file} && ${asRoot}`;
}

/** By the features of its super block (Documentation/filesystems/ext4/super.rst): a journal, extents. */
function refineExt(start: Uint8Array): Partial<FileKind> {
  const id = ((start[0x460] ?? 0) & 0x40) !== 0 ? 'ext4' : ((start[0x45c] ?? 0) & 4) !== 0 ? 'ext3' : 'ext2';
  return { id, name: `an ${id} file system` };
}

function refineProgram(start: Uint8Array): Partial<FileKind> {
  if (!findSections(start)?.includes('.initrd')) return {};
  return {
    id: 'uki',
    name: 'a unified kernel image (UKI)',
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

/** Each of four partitions is active or not, and one has a size: data has these bytes by chance. */
function hasPartitions(start: Uint8Array): boolean {
  const entries = [0, 1, 2, 3].map((index) => start.subarray(0x1be + 16 * index, 0x1ce + 16 * index));
  return (
    entries.every(([active]) => active === 0 || active === 0x80) &&
    entries.some((entry) => entry[4] !== 0 && entry.subarray(12).some((byte) => byte !== 0))
  );
}
