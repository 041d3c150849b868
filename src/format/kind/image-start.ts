import { detectCodec } from '../codec/magic.js';

/**
 * Whether an image begins here: with zeros, then an archive or a member. Such a file is read as an image whatever stands at
 * other places in it: compressed data has two bytes of any mark by chance in one file of 65,536.
 */
export function beginsImage(start: Uint8Array): boolean {
  const first = start.findIndex((byte) => byte !== 0);
  if (first < 0) return false;
  const magic = String.fromCharCode(...start.subarray(first, first + 6));
  return (
    detectCodec(start.subarray(first, first + 2)) !== undefined ||
    (first % 4 === 0 && /^07070[12]$/.test(magic))
  );
}
