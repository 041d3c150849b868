import type { WrapperPart } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';

/** Parts from `start` on, in their order, each in pages of its own. */
export function placeParts(
  sizes: Readonly<Record<string, number>>,
  { start, page }: { readonly start: number; readonly page: number },
): WrapperPart[] {
  let offset = start;
  return Object.entries(sizes).map(([name, size]) => {
    const part = { name, offset, size, ...(name === 'signature' && { isSignature: true }) };
    offset += alignUp(size, page);
    return part;
  });
}

/** Only ramdisks are replaced. */
export function markFixed(part: WrapperPart): WrapperPart {
  if (/^(?:vendor_)?ramdisk\d*$/.test(part.name)) return part;
  const message = `only the ramdisk of an Android image is replaced here, not ${part.name}`;
  const hint = 'unpack_bootimg takes it apart, mkbootimg makes it anew (Debian: mkbootimg)';
  return { ...part, obstacle: { message, hint, isSignature: false } };
}

/** Where the pages of the last part end. */
export function endOfPages(parts: readonly WrapperPart[], page: number): number {
  return Math.max(...parts.map(({ offset, size }) => offset + alignUp(size, page)));
}

/** From the least to the largest that boot loaders know. */
export function isPageSize(page: number): boolean {
  return page >= 2048 && page <= 65536 && Number.isInteger(Math.log2(page));
}

/** A text of a header: zeros fill up its field. */
export function readText(bytes: Buffer, at: number, size: number): string {
  return bytes.toString('utf8', at, at + size).replace(/\0.*$/s, '');
}
