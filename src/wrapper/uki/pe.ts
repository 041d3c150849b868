import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';

// "PE Format", learn.microsoft.com/windows/win32/debug/pe-format; offsets are those of its tables.

/** Bytes that hold all headers of any program for EFI. */
export const headerLimit = 64 * 1024;
export const sectionHeaderSize = 40;
const mostSections = 96;

export interface Section {
  readonly name: string;
  /** Of its header, from the start of the file. */
  readonly header: number;
  /** Where it is in memory, and its bytes there. */
  readonly address: number;
  readonly virtualSize: number;
  /** In the file; `rawSize` is padded to the alignment of the file. */
  readonly offset: number;
  readonly rawSize: number;
}

export interface Program {
  /** Of the optional header, from the start of the file. */
  readonly optional: number;
  /** Where the table of symbols is said to be, and where that is said. */
  readonly symbols: { readonly entry: number; readonly offset: number };
  readonly sections: readonly Section[];
  /** Of the table of sections, from the start of the file. */
  readonly table: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  /** Where the headers end: the first section may not begin before. */
  readonly headersSize: number;
  /** The table of signatures, which stands behind the sections. */
  readonly signatures: { readonly offset: number; readonly size: number };
  readonly signaturesEntry: number;
  readonly machine: number;
}

/** Undefined: not an EFI program. */
export function parseProgram(bytes: Buffer): Program | undefined {
  if (bytes.length < 64 || bytes.toString('latin1', 0, 2) !== 'MZ') return undefined;
  const start = bytes.readUInt32LE(0x3c);
  if (start + 24 > bytes.length || bytes.toString('latin1', start, start + 4) !== 'PE\0\0') return undefined;
  const machine = bytes.readUInt16LE(start + 4);
  const count = bytes.readUInt16LE(start + 6);
  const optional = start + 24;
  const table = optional + bytes.readUInt16LE(start + 20);
  if (count === 0 || count > mostSections || table + count * sectionHeaderSize > bytes.length)
    return undefined;
  const magic = bytes.readUInt16LE(optional);
  if (magic !== 0x20b && magic !== 0x10b) return undefined;
  // PE32+ has no BaseOfData, and 8 bytes in place of 4 for the base address and four sizes.
  const directories = optional + (magic === 0x20b ? 112 : 96);
  const signaturesEntry = directories + 4 * 8;
  if (signaturesEntry + 8 > table) return undefined;
  const program = {
    optional,
    symbols: { entry: start + 12, offset: bytes.readUInt32LE(start + 12) },
    machine,
    table,
    sectionAlignment: bytes.readUInt32LE(optional + 32),
    fileAlignment: bytes.readUInt32LE(optional + 36),
    headersSize: bytes.readUInt32LE(optional + 60),
    signatures: {
      offset: bytes.readUInt32LE(signaturesEntry),
      size: bytes.readUInt32LE(signaturesEntry + 4),
    },
    signaturesEntry,
    sections: Array.from({ length: count }, (_, index) =>
      readSection(bytes, table + index * sectionHeaderSize),
    ),
  };
  return isAlignment(program.sectionAlignment) && isAlignment(program.fileAlignment) ? program : undefined;
}

function isAlignment(value: number): boolean {
  return value >= 1 && value <= 2 ** 21 && Number.isInteger(Math.log2(value));
}

function readSection(bytes: Buffer, header: number): Section {
  return {
    name: bytes.toString('latin1', header, header + 8).replace(/\0.*$/s, ''),
    header,
    virtualSize: bytes.readUInt32LE(header + 8),
    address: bytes.readUInt32LE(header + 12),
    rawSize: bytes.readUInt32LE(header + 16),
    offset: bytes.readUInt32LE(header + 20),
  };
}

/** Undefined: not an EFI program. */
export async function readProgram(file: InputFile): Promise<Program | undefined> {
  return parseProgram(Buffer.from(await file.read(0, Math.min(headerLimit, file.size))));
}

/** Whether a program has a table of signatures. */
export async function isSigned(file: InputFile): Promise<boolean> {
  const program = await readProgram(file);
  return (program?.signatures.size ?? 0) > 0;
}

/** Bytes of a section that are its content: what is behind them in the file is padding. */
export function contentSize({ virtualSize, rawSize }: Section): number {
  return Math.min(virtualSize, rawSize);
}

/** The sum of "CheckSum" in the optional header: that of all 16-bit words but its own, folded, and the size. */
export function createChecksum(optional: number) {
  const own = optional + 64;
  let sum = 0;
  let at = 0;
  let odd: number | undefined;
  const addWord = (word: number, position: number) => {
    if (position === own || position === own + 2) return;
    sum += word;
    sum = (sum & 0xffff) + (sum >>> 16);
  };
  return {
    update(bytes: Uint8Array) {
      let index = 0;
      if (odd !== undefined && bytes.length > 0) {
        addWord(odd | ((bytes[0] ?? 0) << 8), at - 1);
        odd = undefined;
        index = 1;
      }
      for (; index + 1 < bytes.length; index += 2)
        addWord((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8), at + index);
      if (index < bytes.length) odd = bytes[index];
      at += bytes.length;
    },
    end(): number {
      if (odd !== undefined) addWord(odd, at - 1);
      return ((sum & 0xffff) + (sum >>> 16) + at) >>> 0;
    },
  };
}

export function createPeError(path: string, message: string, hint: string): MobyPatchError {
  return new MobyPatchError('invalid', 'wrapper-unfit', message, { path, hint });
}
