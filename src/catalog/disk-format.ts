import { openRegular } from '../io/regular-file.js';
import { MobyPatchError } from '../model/error.js';

interface DiskFormat {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Hex. */
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

/** Refuses a disk that an application boots from instead of an initrd. Error (`invalid`): `image-unsupported`. */
export async function refuseDisk(path: string): Promise<void> {
  const format = await detectDisk(path);
  if (format === undefined) return;
  throw new MobyPatchError('invalid', 'image-unsupported', `found ${format.reason}`, { path });
}

async function detectDisk(path: string): Promise<DiskFormat | undefined> {
  try {
    await using file = await openRegular(path);
    for (const format of formats) {
      const length = format.magic.length / 2;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, format.offset);
      if (buffer.toString('hex', 0, bytesRead) === format.magic) return format;
    }
  } catch {
    // A file that cannot be read passes: reading it as an image gives the better error.
  }
  return undefined;
}
