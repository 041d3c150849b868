import { MobyPatchError } from '../model/error.js';

/** Error `image-unreadable`: a disk that does not work is a fault of the machine, all else one of who named the file. */
export function createReadError(path: string, cause: NodeJS.ErrnoException): MobyPatchError {
  if (cause.code !== 'EIO')
    return new MobyPatchError(
      'invalid',
      'image-unreadable',
      `cannot read the file: ${cause.code ?? cause.message}`,
      { path, cause },
    );
  return new MobyPatchError(
    'infrastructure',
    'image-unreadable',
    `cannot read the file: the disk does not work (EIO at ${cause.syscall ?? 'read'})`,
    { path, hint: 'look at the log of the system (dmesg); check the disk', cause },
  );
}
