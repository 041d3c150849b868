import { encodePath, showPath } from '../format/path.js';
import { isWritable } from '../format/sidecar.js';
import type { Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';

const largestNumber = 0xffffffff;
const longestComponent = 255;
const longestTarget = 4095;

/**
 * Refuses what a newc archive has no place for, or what a kernel would skip without a word. Errors
 * (`invalid`): `name-unwritable`, `target-unwritable`, `number-unwritable`; `file-too-large`.
 */
export function assertWritable(entry: Entry): void {
  const { path, type, size, target, device } = entry;
  const refuse = (code: string, message: string, hint?: string) => {
    throw new MobyPatchError('invalid', code, message, { path: showPath(path.slice(0, 200)), hint });
  };
  if (path === '' ? type !== 'directory' : !isWritable(path) || path.includes('\0'))
    refuse('name-unwritable', nameReason(path), 'a name has 1 to 4095 bytes and no NUL');
  const component = path.split('/').find((part) => encodePath(part).length > longestComponent);
  if (component !== undefined)
    refuse('name-unwritable', 'found a component of more than 255 bytes: a kernel would skip the entry');
  if (type === 'file' && size > largestNumber)
    refuse(
      'file-too-large',
      `found a file of ${size} bytes, wanted less than 4 GiB: the size has 32 bits in a cpio archive`,
      'leave the file out of the image, or mount what holds it',
    );
  if (type === 'symlink' && (encodePath(target ?? '').length > longestTarget || target?.includes('\0')))
    refuse('target-unwritable', 'found a symlink target of more than 4095 bytes, or with a NUL');
  const numbers = { uid: entry.uid, gid: entry.gid, mtime: entry.mtime, ...device };
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isInteger(value) || value < 0 || value > largestNumber)
      refuse('number-unwritable', `found the ${name} ${value}, wanted a whole number of 32 bits`);
}

function nameReason(path: string): string {
  if (path === '') return 'found a name of no bytes for what is no directory';
  return path.includes('\0')
    ? 'found a name with a NUL'
    : `found a name of ${encodePath(path).length} bytes, wanted at most 4095: a kernel skips longer ones`;
}
