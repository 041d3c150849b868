import { asRoot, type FileKind, type Mark, mount, text } from '../mark.js';

/** Made for raw flash: no program reads them from a file alone. */
const fromDevice = () => `copy its files on the device that it is for to a folder root, then: ${asRoot}`;

export const fileSystemMarks: readonly Mark[] = [
  { id: 'xfs', name: 'an XFS file system', at: 0, bytes: text('XFSB'), help: mount },
  { id: 'f2fs', name: 'an F2FS file system', at: 0x400, bytes: [0x10, 0x20, 0xf5, 0xf2], help: mount },
  ...[0x36, 0x52].map((at) => ({
    id: 'fat',
    name: 'a FAT file system',
    at,
    bytes: text('FAT'),
    help: mount,
  })),
  { id: 'ntfs', name: 'an NTFS file system', at: 3, bytes: text('NTFS    '), help: mount },
  { id: 'exfat', name: 'an exFAT file system', at: 3, bytes: text('EXFAT   '), help: mount },
  // Documentation/filesystems/btrfs.rst: the super block is at 64 KiB.
  { id: 'btrfs', name: 'a btrfs file system', at: 0x10040, bytes: text('_BHRfS_M'), help: mount },
  {
    id: 'squashfs',
    name: 'a squashfs file system',
    at: 0,
    bytes: text('hsqs'),
    help: (file) => `unsquashfs -d root ${file} && ${asRoot}`,
  },
  {
    id: 'squashfs',
    name: 'a squashfs file system of the other byte order',
    at: 0,
    bytes: text('sqsh'),
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
  {
    id: 'cramfs',
    name: 'a cramfs file system of the other byte order',
    at: 0,
    bytes: [0x28, 0xcd, 0x3d, 0x45],
    help: extractCram,
  },
  { id: 'romfs', name: 'a romfs file system', at: 0, bytes: text('-rom1fs-'), help: mount },
  // include/uapi/linux/jffs2.h: the magic, then a type of node.
  ...[0x20, 0xe0].flatMap((type) => [
    {
      id: 'jffs2',
      name: 'a JFFS2 file system',
      at: 0,
      bytes: [0x85, 0x19, undefined, type],
      help: fromDevice,
    },
    { id: 'jffs2', name: 'a JFFS2 file system', at: 0, bytes: [0x19, 0x85, type], help: fromDevice },
  ]),
  { id: 'ubifs', name: 'a UBIFS file system', at: 0, bytes: [0x31, 0x18, 0x10, 0x06], help: fromDevice },
  { id: 'ubi', name: 'a UBI volume', at: 0, bytes: text('UBI#'), help: fromDevice },
  // include/uapi/linux/minix_fs.h, include/uapi/linux/magic.h: the magic, and a clean state.
  ...[0x137f, 0x138f, 0x2468, 0x2478].map((magic) => ({
    id: 'minix',
    name: 'a minix file system',
    at: 0x410,
    bytes: [magic & 0xff, magic >> 8, 1, 0],
    help: mount,
  })),
];

function extractCram(file: string): string {
  return `fsck.cramfs --extract=root ${file} && ${asRoot}`;
}

function refineExt(start: Uint8Array): Partial<FileKind> {
  const id = ((start[0x460] ?? 0) & 0x40) !== 0 ? 'ext4' : ((start[0x45c] ?? 0) & 4) !== 0 ? 'ext3' : 'ext2';
  return { id, name: `an ${id} file system` };
}
