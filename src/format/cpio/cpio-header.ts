import type { Header } from '../../model/image/layout.js';
import { parseType } from '../mode.js';

/** Bytes of a newc header: a magic of 6 and 13 fields of 8 hex digits (kernel: initramfs buffer format). */
export const headerSize = 110;

/** The kernel skips an entry with a longer name, its NUL included (init/initramfs.c: PATH_MAX). */
export const maximumNameSize = 4096;

/** The longest name that is read of those that the kernel skips: no archiver writes a longer one. */
export const longestReadName = 64 * 1024;

/** The name of the record that ends an archive. */
export const trailerName = 'TRAILER!!!';

/**
 * Whether a kernel takes a record for a TRAILER. Only do_name of init/initramfs.c compares the name. A symlink, a name
 * that is skipped and a record with a body that is no file never get there (booted, 6.1).
 */
export function isTrailer(name: Uint8Array, header: Pick<Header, 'mode' | 'filesize' | 'namesize'>): boolean {
  const { mode, filesize, namesize } = header;
  if (namesize > maximumNameSize || !isTrailerName(name)) return false;
  const type = parseType(mode);
  return type === 'file' || (type !== 'symlink' && filesize === 0);
}

/**
 * Whether a kernel skips a record before it looks at its name (do_header of init/initramfs.c): a name of a length that it
 * does not take, a target of more than a page, a body on what has none.
 */
export function isSkipped({
  mode,
  filesize,
  namesize,
}: Pick<Header, 'mode' | 'filesize' | 'namesize'>): boolean {
  if (namesize === 0 || namesize > maximumNameSize) return true;
  const type = parseType(mode);
  return type === 'symlink' ? filesize > longestKernelTarget : type !== 'file' && filesize > 0;
}

/** A page, PATH_MAX. */
const longestKernelTarget = 4096;

/**
 * Whether the last byte of the name of a record is no NUL. `raw`: header and name. Kernels since 6.1.120 and 6.12.2 say
 * "malformed archive" and stop; older ones read on into the padding and what was there before.
 */
export function lacksNul(raw: Uint8Array, header: Header): boolean {
  return !isSkipped(header) && raw[headerSize + header.namesize - 1] !== 0;
}

export function isTrailerName(name: Uint8Array): boolean {
  return name.length === trailerName.length && String.fromCharCode(...name) === trailerName;
}

export type HeaderProblem = 'old-format' | 'no-magic' | 'not-hex';

/** The fields in the order of their digits. An object literal: a header that is built key by key takes a fifth more memory. */
function createHeader(magic: Header['magic'], next: () => number): Header {
  return {
    magic,
    ino: next(),
    mode: next(),
    uid: next(),
    gid: next(),
    nlink: next(),
    mtime: next(),
    filesize: next(),
    devmajor: next(),
    devminor: next(),
    rdevmajor: next(),
    rdevminor: next(),
    namesize: next(),
    check: next(),
  };
}

const [, ...fields] = Object.keys(createHeader('070701', () => 0)) as [
  'magic',
  ...Exclude<keyof Header, 'magic'>[],
];

/** Bytes up to the next multiple of four: how newc pads a header with its name, and a body. */
export function padding(size: number): number {
  return (4 - (size % 4)) % 4;
}

/** Parses 110 bytes; returns the problem as a string. */
export function parseHeader(bytes: Uint8Array): Header | HeaderProblem {
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic === '070707') return 'old-format';
  if (magic !== '070701' && magic !== '070702') return 'no-magic';
  let at = 6;
  let isHex = true;
  const header = createHeader(magic, () => {
    const value = parseHex(bytes, at);
    at += 8;
    isHex &&= value >= 0;
    return value;
  });
  return isHex ? header : 'not-hex';
}

/** 110 bytes with upper-case digits, as the kernel's own generator and busybox write them. */
export function encodeHeader(header: Header): Uint8Array {
  const digits = fields.map((field) => header[field].toString(16).toUpperCase().padStart(8, '0'));
  const text = header.magic + digits.join('');
  const bytes = new Uint8Array(headerSize);
  for (let at = 0; at < headerSize; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Negative where there are no eight digits. */
function parseHex(bytes: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start; at < start + 8; at += 1) {
    const digit = digitValue(bytes[at] ?? 0);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function digitValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}

/** The name in the bytes of a record, up to its NUL; only the start of a name that the kernel skips. */
export function sliceName(raw: Uint8Array, namesize: number): Uint8Array {
  const name = raw.subarray(headerSize, headerSize + Math.min(namesize, maximumNameSize));
  const nul = name.indexOf(0);
  return nul < 0 ? name : name.subarray(0, nul);
}
