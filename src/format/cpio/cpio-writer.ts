import type { Header } from '../../model/image/layout.js';
import {
  encodeHeader,
  headerSize,
  isTrailerName,
  maximumNameSize,
  padding,
  trailerName,
} from './cpio-header.js';

/** The fields of a new record; an absent one is 0 (`nlink`: 1). */
export type RecordFields = Partial<Omit<Header, 'magic' | 'namesize' | 'check'>> & Pick<Header, 'mode'>;

const zeros = new Uint8Array(4);

/**
 * The header, name and padding of one 070701 record; the body (`filesize` bytes) and `encodePadding(filesize)` follow.
 * The name of a TRAILER gets `./` in front: a kernel sees the same path, and no reader sees an end of the archive.
 * Throws a RangeError for a name that the kernel would skip.
 */
export function encodeRecord(fields: RecordFields, name: Uint8Array): Uint8Array {
  return encodeNamed(fields, isTrailerName(name) ? new TextEncoder().encode(`./${trailerName}`) : name);
}

function encodeNamed(fields: RecordFields, name: Uint8Array): Uint8Array {
  const namesize = name.length + 1;
  if (name.length === 0 || namesize > maximumNameSize)
    throw new RangeError(`a name of ${name.length} bytes does not fit newc`);
  const header = encodeHeader({ ...emptyFields, ...fields, magic: '070701', namesize, check: 0 });
  const size = headerSize + namesize;
  const record = new Uint8Array(size + padding(size));
  record.set(header);
  record.set(name, headerSize);
  return record;
}

/** Zeros that pad a body of `size` bytes to a multiple of four. */
export function encodePadding(size: number): Uint8Array {
  return zeros.subarray(0, padding(size));
}

/** The record that ends an archive. It clears the kernel's table of hard links. */
export function encodeTrailer(): Uint8Array {
  return encodeNamed({ mode: 0 }, new TextEncoder().encode(trailerName));
}

/** The default of each field of a new record. */
export const emptyFields = {
  ino: 0,
  uid: 0,
  gid: 0,
  nlink: 1,
  mtime: 0,
  filesize: 0,
  devmajor: 0,
  devminor: 0,
  rdevmajor: 0,
  rdevminor: 0,
} as const;

/** A record with another number of links or another body size; the other bytes stay. */
export function patchRecord(
  raw: Uint8Array,
  fields: { readonly nlink?: number; readonly filesize?: number },
): Uint8Array {
  const patched = raw.slice();
  if (fields.nlink !== undefined) writeHex(patched, nlinkOffset, fields.nlink);
  if (fields.filesize !== undefined) writeHex(patched, filesizeOffset, fields.filesize);
  return patched;
}

const nlinkOffset = 6 + 8 * 4;
const filesizeOffset = 6 + 8 * 6;

function writeHex(bytes: Uint8Array, offset: number, value: number): void {
  bytes.set(new TextEncoder().encode(value.toString(16).toUpperCase().padStart(8, '0')), offset);
}
