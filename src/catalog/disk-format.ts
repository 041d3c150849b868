import { open } from 'node:fs/promises';

interface DiskFormat {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly magic: string;
  readonly reason: string;
}

const formats: readonly DiskFormat[] = [
  // ECMA-119 8.1: the first volume descriptor is in sector 16.
  {
    offset: 0x8001,
    magic: '4344303031',
    reason: 'an ISO 9660 disk image with a boot loader, which is no initrd: nothing can be appended to it',
  },
  // Linux: Documentation/filesystems/erofs.rst, the super block; little endian.
  {
    offset: 1024,
    magic: 'e2e1f5e0',
    reason: 'an erofs file system that the kernel mounts as a disk: there is no initrd to patch',
  },
];

/** Why a file is no initrd although an application boots from it; undefined also when it cannot be read. */
export async function explainDisk(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    for (const { offset, magic, reason } of formats) {
      const length = magic.length / 2;
      // Whoever reads it as an image tells what is wrong.
      const nothing = { buffer: Buffer.alloc(0), bytesRead: 0 };
      const { buffer, bytesRead } = await file
        .read(Buffer.alloc(length), 0, length, offset)
        .catch(() => nothing);
      if (buffer.toString('hex', 0, bytesRead) === magic) return reason;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
