import { showLine } from '../format/show-text.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ErrorCode } from '../model/error/error-code.js';
import type { Device, EntryType } from '../model/image/entry.js';

/** Bytes of a header; bodies are padded to a multiple of it. */
export const blockSize = 512;

/** Zeros behind a body of `size` bytes. */
export function paddingAfter(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

/** One header block of POSIX (ustar); names and targets have at most 100 bytes. */
export interface TarBlock {
  readonly flag: string;
  readonly name: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  readonly linkName: Uint8Array;
  readonly device: Device;
}

export type PaxRecords = Map<string, Uint8Array>;

/** The type flags of POSIX; `link`: another name for an earlier file. */
export const tarFlags: Readonly<Record<Exclude<EntryType, 'socket'> | 'link', string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const magic = Buffer.from('ustar\x0000', 'latin1');

/** The largest number that `digits` octal digits hold. */
export function octalLimit(digits: number): number {
  return 8 ** digits - 1;
}

export function encodeTarBlock(block: TarBlock): Uint8Array {
  const bytes = Buffer.alloc(blockSize);
  bytes.set(block.name.subarray(0, 100), 0);
  writeOctal(bytes, 100, 7, block.mode);
  writeOctal(bytes, 108, 7, block.uid);
  writeOctal(bytes, 116, 7, block.gid);
  writeOctal(bytes, 124, 11, block.size);
  writeOctal(bytes, 136, 11, block.mtime);
  bytes.write(block.flag, 156, 'latin1');
  bytes.set(block.linkName.subarray(0, 100), 157);
  bytes.set(magic, 257);
  writeOctal(bytes, 329, 7, block.device.major);
  writeOctal(bytes, 337, 7, block.device.minor);
  bytes.write(`${sumOf(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** `undefined` for a block of zeros (the end of an archive). Errors: code `tar-header`. */
export function decodeTarBlock(bytes: Buffer, offset: number): TarBlock | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  const number = (at: number, length: number) => readNumber(bytes.subarray(at, at + length), offset + at);
  const sum = sumOf(bytes);
  if (number(148, 8) !== sum) {
    throw createTarError('tar-header', `no tar header: the checksum field does not say ${sum}`, offset);
  }
  const prefix =
    bytes.toString('latin1', 257, 263) === 'ustar\0' ? cutAtNul(bytes, 345, 155) : Buffer.alloc(0);
  const name = cutAtNul(bytes, 0, 100);
  return {
    flag: String.fromCharCode(bytes[156] ?? 0),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    mode: number(100, 8),
    uid: number(108, 8),
    gid: number(116, 8),
    size: number(124, 12),
    mtime: number(136, 12),
    linkName: cutAtNul(bytes, 157, 100),
    device: { major: number(329, 8), minor: number(337, 8) },
  };
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits; a value may be any bytes. */
export function encodePax(records: PaxRecords): Uint8Array {
  const lines: Uint8Array[] = [];
  for (const [key, value] of records) {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    lines.push(Buffer.from(String(length)), rest);
  }
  return Buffer.concat(lines);
}

/** Errors: code `tar-pax`. */
export function decodePax(bytes: Buffer, offset: number): PaxRecords {
  const records: PaxRecords = new Map();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space + 1);
    if (
      !/^[0-9]{1,9}$/.test(digits) ||
      end > bytes.length ||
      equals < 0 ||
      equals >= end ||
      bytes[end - 1] !== 0x0a
    )
      throw createTarError(
        'tar-pax',
        'a pax header whose records do not have the lengths they state',
        offset + at,
      );
    records.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

export function createTarError(code: ErrorCode, message: string, offset?: number): MobyPatchError {
  return new MobyPatchError('invalid', code, message, { offset });
}

/** The checksum field itself counts as eight spaces. */
function sumOf(bytes: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockSize; at += 1) if (at < 148 || at >= 156) sum += bytes[at] ?? 0;
  return sum;
}

function writeOctal(bytes: Buffer, at: number, digits: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > octalLimit(digits)) {
    throw createTarError('tar-number', `${value} does not fit into ${digits} octal digits of a tar header`);
  }
  bytes.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

/** Octal text, or the binary form of GNU tar, whose first byte is 0x80 (0xff: negative, read as 0). */
function readNumber(field: Buffer, offset: number): number {
  const first = field[0] ?? 0;
  if (first === 0xff) return 0;
  if (first === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (Number.isSafeInteger(value)) return value;
    throw createTarError('tar-header', 'a number in a tar header is above 2^53', offset);
  }
  const text = cutAtNul(field, 0, field.length).toString('latin1').trim();
  if (!/^[0-7]*$/.test(text))
    throw createTarError('tar-header', `"${showLine(text)}" is no octal number`, offset);
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** A field of a fixed size ends at its first NUL. */
export function cutAtNul(bytes: Buffer, at = 0, length = bytes.length): Buffer {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}
