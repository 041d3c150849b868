import type { InputFile } from '../../io/file/input-file.js';
import type { Bytes } from '../../model/image/entry.js';
import type { Wrapper } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { readProgram } from './pe.js';

// "PE Format", learn.microsoft.com/windows/win32/debug/pe-format, and the addonx64.efi.stub of systemd 257.
const fileAlignment = 0x200;
const sectionAlignment = 0x1000;
const headersSize = 0x400;
const start = 0x80;
const optionalSize = 240;
/** Characteristics: initialised data that is read, and executable code. */
const flags = { data: 0x40000040, code: 0x60000020 };

/** Code that returns EFI_UNSUPPORTED, since an addon is never run, by machine type. */
const programs: ReadonlyMap<number, Uint8Array> = new Map([
  [0x8664, Buffer.from('48b80300000000000080c3', 'hex')],
  [0xaa64, Buffer.from('600080d20000f0f2c0035fd6', 'hex')],
]);
/** shim loads no program without it (SBAT.md of shim). */
const sbat = Buffer.from(
  'sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nmoby-patch-addon,1,moby-patch,addon,1,-\n',
);

export interface AddonRequest {
  readonly uki: InputFile;
  readonly initrd: Bytes;
  /** Bytes of the initrd. */
  readonly size: number;
}

/** An addon for systemd's stub with an initrd; undefined: the machine type of the UKI is unknown. */
export async function createAddon({ uki, initrd, size }: AddonRequest): Promise<Bytes | undefined> {
  const program = await readProgram(uki);
  const code = program && programs.get(program.machine);
  if (program === undefined || code === undefined) return undefined;
  const sections = placeSections([
    { name: '.text', size: code.length, flags: flags.code },
    { name: '.sbat', size: sbat.length, flags: flags.data },
    { name: '.initrd', size, flags: flags.data },
  ]);
  return (async function* () {
    yield encodeHeaders(program.machine, sections);
    for (const content of [code, sbat]) yield pad(content);
    yield* initrd;
    yield new Uint8Array(alignUp(size, fileAlignment) - size);
  })();
}

interface Placed {
  readonly name: string;
  readonly size: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
}

function placeSections(sections: readonly Omit<Placed, 'address' | 'offset'>[]): Placed[] {
  let address = sectionAlignment;
  let offset = headersSize;
  return sections.map((section) => {
    const placed = { ...section, address, offset };
    address = alignUp(address + section.size, sectionAlignment);
    offset += alignUp(section.size, fileAlignment);
    return placed;
  });
}

function encodeHeaders(machine: number, sections: readonly Placed[]): Buffer {
  const bytes = Buffer.alloc(headersSize);
  bytes.write('MZ', 0, 'latin1');
  bytes.writeUInt32LE(start, 0x3c);
  bytes.write('PE\0\0', start, 'latin1');
  bytes.writeUInt16LE(machine, start + 4);
  bytes.writeUInt16LE(sections.length, start + 6);
  bytes.writeUInt16LE(optionalSize, start + 20);
  // Executable, large addresses, no line numbers, symbols or debugging information.
  bytes.writeUInt16LE(0x22e, start + 22);
  const optional = start + 24;
  const [code, ...data] = sections;
  const last = sections.at(-1);
  const sizeOf = (each: readonly Placed[]) =>
    each.reduce((sum, { size }) => sum + alignUp(size, fileAlignment), 0);
  bytes.writeUInt16LE(0x20b, optional);
  bytes.writeUInt32LE(sizeOf(code === undefined ? [] : [code]), optional + 4);
  bytes.writeUInt32LE(sizeOf(data), optional + 8);
  bytes.writeUInt32LE(code?.address ?? 0, optional + 16);
  bytes.writeUInt32LE(code?.address ?? 0, optional + 20);
  bytes.writeBigUInt64LE(0x1dd510000n, optional + 24);
  bytes.writeUInt32LE(sectionAlignment, optional + 32);
  bytes.writeUInt32LE(fileAlignment, optional + 36);
  bytes.writeUInt16LE(1, optional + 48);
  bytes.writeUInt32LE(alignUp((last?.address ?? 0) + (last?.size ?? 0), sectionAlignment), optional + 56);
  bytes.writeUInt32LE(headersSize, optional + 60);
  // An EFI application that is relocatable and has no executable data.
  bytes.writeUInt16LE(10, optional + 68);
  bytes.writeUInt16LE(0x160, optional + 70);
  for (const at of [72, 88]) bytes.writeBigUInt64LE(0x100000n, optional + at);
  for (const at of [80, 96]) bytes.writeBigUInt64LE(0x1000n, optional + at);
  bytes.writeUInt32LE(16, optional + 108);
  for (const [index, section] of sections.entries()) {
    const at = optional + optionalSize + 40 * index;
    bytes.write(section.name, at, 'latin1');
    bytes.writeUInt32LE(section.size, at + 8);
    bytes.writeUInt32LE(section.address, at + 12);
    bytes.writeUInt32LE(alignUp(section.size, fileAlignment), at + 16);
    bytes.writeUInt32LE(section.offset, at + 20);
    bytes.writeUInt32LE(section.flags, at + 36);
  }
  return bytes;
}

function pad(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(alignUp(content.length, fileAlignment));
  bytes.set(content);
  return bytes;
}

/** The version of systemd that the stub of a UKI is from; undefined: it does not say. */
export async function readStubVersion(uki: InputFile, { parts }: Wrapper): Promise<number | undefined> {
  const part = parts.get('.sdmagic');
  if (part === undefined || part.size > 4096) return undefined;
  const text = Buffer.from(await uki.read(part.offset, part.offset + part.size)).toString('latin1');
  const version = /systemd-stub (\d+)/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}
