import { showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';

/**
 * Bytes of all files that commands may leave. A sparse file of any size is made in no time, and read for hours. No machine
 * boots from an initrd of this size.
 */
export const mostLeft = 16 * 2 ** 30;

export interface LeftSize {
  /** Counts a file that commands left, before it is read. Error (`failed`): `file-too-large`. */
  add(path: string, size: number): void;
}

/** `most`: what the image itself has may be added. */
export function createLeftSize(most = mostLeft): LeftSize {
  let sum = 0;
  return {
    add(path, size) {
      sum += size;
      if (sum > most) throw createLeftError(path, `, the last of them ${showPath(path)} with ${size} bytes`);
    },
  };
}

/** For a root that counts by itself. Error (`failed`): `file-too-large`. */
export function assertLeft(size: number): void {
  if (size > mostLeft) throw createLeftError(undefined, ` (${size})`);
}

function createLeftError(path: string | undefined, which: string): MobyPatchError {
  const message = `commands left files of more than ${mostLeft} bytes in all${which}`;
  return new MobyPatchError('failed', 'file-too-large', message, {
    path,
    hint: 'let the step remove what the image does not need: du -a --apparent-size / | sort -n',
  });
}
