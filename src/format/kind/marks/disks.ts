import { type Mark, text } from '../mark.js';

const asDisk = (file: string) =>
  `losetup --find --show --partscan --read-only ${file}, mount its partition, and give the initrd in it`;
const convert = (file: string) => `qemu-img convert -O raw ${file} disk.raw; ${asDisk('disk.raw')}`;

/** Disks that are like any other up to their last sector. */
export const tailMarks: readonly Mark[] = [
  // Only a VHD of a fixed size.
  { id: 'vhd', name: 'a VHD disk', at: -512, bytes: text('conectix'), help: convert },
  { id: 'dmg', name: 'a disk of macOS (DMG)', at: -512, bytes: text('koly'), help: convert },
];

export const diskMarks: readonly Mark[] = [
  // ECMA-119 8.1: the first volume descriptor is in sector 16.
  {
    id: 'iso9660',
    name: 'an ISO 9660 disk',
    isWrapper: true,
    isDisk: true,
    at: 0x8001,
    bytes: text('CD001'),
    help: (file) =>
      `xorriso -osirrox on -indev ${file} -find / -name 'initrd*'; xorriso -osirrox on -indev ${file} -extract /PATH initrd.img`,
  },
  {
    id: 'luks',
    name: 'an encrypted disk (LUKS)',
    isDisk: true,
    at: 0,
    bytes: [...text('LUKS'), 0xba, 0xbe],
    help: (file) => `cryptsetup open --readonly ${file} inside; ${asDisk('/dev/mapper/inside')}`,
  },
  {
    id: 'qcow2',
    name: 'a qcow2 disk',
    at: 0,
    bytes: [...text('QFI'), 0xfb],
    help: convert,
    refine: (start) => (start[7] === 1 ? { id: 'qcow', name: 'a qcow disk' } : {}),
  },
  { id: 'vhdx', name: 'a VHDX disk', at: 0, bytes: text('vhdxfile'), help: convert },
  { id: 'vhd', name: 'a VHD disk', at: 0, bytes: text('conectix'), help: convert },
  { id: 'vmdk', name: 'a VMDK disk', at: 0, bytes: text('KDMV'), help: convert },
  { id: 'vmdk', name: 'a VMDK disk', at: 0, bytes: text('# Disk Descriptor'), help: convert },
  { id: 'vdi', name: 'a VDI disk (VirtualBox)', at: 0x40, bytes: [0x7f, 0x10, 0xda, 0xbe], help: convert },
  { id: 'qed', name: 'a QED disk', at: 0, bytes: text('QED\0'), help: convert },
  ...['WithoutFreeSpace', 'WithouFreSpacExt'].map((mark) => ({
    id: 'parallels',
    name: 'a disk of Parallels',
    at: 0,
    bytes: text(mark),
    help: convert,
  })),
];

/** Marks that many other files have by chance or inside. */
export const partitionMarks: readonly Mark[] = [
  {
    id: 'lvm',
    name: 'a physical volume of LVM',
    isDisk: true,
    at: 0x200,
    bytes: text('LABELONE'),
    help: (file) =>
      `losetup --find --show --read-only ${file}; vgchange -ay, mount its volume, and give the initrd in it`,
  },
  {
    id: 'swap',
    name: 'a swap area',
    at: 4086,
    bytes: text('SWAPSPACE2'),
    help: () => 'it has no files: give the initrd itself',
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

/** Each of four partitions is active or not, and one has a size: data has these bytes by chance. */
function hasPartitions(start: Uint8Array): boolean {
  const entries = [0, 1, 2, 3].map((index) => start.subarray(0x1be + 16 * index, 0x1ce + 16 * index));
  return (
    entries.every(([active]) => active === 0 || active === 0x80) &&
    entries.some((entry) => entry[4] !== 0 && entry.subarray(12).some((byte) => byte !== 0))
  );
}
