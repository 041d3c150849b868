import { MobyPatchError } from '../model/error/error.js';

/** `wrapper-differs` (`failed`): a new file is not what it must be. `found`: the start of the message. */
export function createDifferenceError(
  path: string,
  found: string,
  hint = 'this is a defect of moby-patch, or of the program that wrote the file: please report it',
): MobyPatchError {
  return new MobyPatchError('failed', 'wrapper-differs', `${found}; nothing was written`, { path, hint });
}
