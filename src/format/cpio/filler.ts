import type { Header } from '../../model/image/layout.js';
import { encodeHeader, headerSize, padding } from './cpio-header.js';
import { emptyFields } from './cpio-writer.js';

/** The name of a record that only takes room, so that the body behind it begins where it is to begin. */
const fillerName = 'moby-patch-filler';

/**
 * A record of `size` bytes, or of so many and as many units as it takes. It has a body and no type: a kernel skips it
 * before it looks at the name (do_header of init/initramfs.c; booted, 6.1).
 */
export function createFiller(size: number, unit: number): Uint8Array {
  const name = new TextEncoder().encode(fillerName);
  const namesize = name.length + 1;
  const head = headerSize + namesize + padding(headerSize + namesize);
  let length = size;
  while (length < head + 4) length += unit;
  const header = { ...emptyFields, magic: '070701', mode: 0, namesize, check: 0 } as const;
  const record = new Uint8Array(length);
  record.set(encodeHeader({ ...header, filesize: length - head }));
  record.set(name, headerSize);
  return record;
}

export function isFiller({ mode, filesize }: Pick<Header, 'mode' | 'filesize'>, name: string): boolean {
  return mode === 0 && filesize > 0 && name === fillerName;
}
