/** What an ELF file asks of the system that runs it. */
export interface Elf {
  readonly bits: 32 | 64;
  /** e_machine: 62 is x86-64, 183 is aarch64. */
  readonly machine: number;
  /** PT_INTERP: the dynamic loader. */
  readonly interpreter?: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_RUNPATH, or DT_RPATH where there is none. */
  readonly folders: readonly string[];
}

// Far more than any linker writes; a hostile file could otherwise make us read for long.
const mostHeaders = 256;
const mostTags = 4096;
const longestText = 4096;

const loadType = 1;
const dynamicType = 2;
const interpreterType = 3;
const tags = { needed: 1, strings: 5, rpath: 15, runpath: 29 };

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Undefined for what is no ELF file, or one that contradicts itself. */
export function parseElf(bytes: Uint8Array): Elf | undefined {
  if (!isElf(bytes)) return undefined;
  try {
    return readElf(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Throws a RangeError for an offset outside of the file. */
function readElf(bytes: Uint8Array): Elf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[4] === 2;
  const little = bytes[5] !== 2;
  const half = (at: number) => view.getUint16(at, little);
  const word = (at: number) => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const size = wide ? 8 : 4;

  const start = word(wide ? 0x20 : 0x1c);
  const entrySize = half(wide ? 0x36 : 0x2a);
  const count = Math.min(half(wide ? 0x38 : 0x2c), mostHeaders);
  const headers = Array.from({ length: count }, (_, index): ProgramHeader => {
    const at = start + index * entrySize;
    const field = (place: number) => word(at + place);
    return wide
      ? { type: view.getUint32(at, little), offset: field(8), address: field(16), size: field(32) }
      : { type: view.getUint32(at, little), offset: field(4), address: field(8), size: field(16) };
  });

  const pairs = listTags();
  const strings = toOffset(pairs.find(([tag]) => tag === tags.strings)?.[1] ?? 0);
  const textsOf = (wanted: number) =>
    pairs.filter(([tag]) => tag === wanted).map(([, value]) => readText(bytes, strings + value, longestText));
  const interpreter = headers.find(({ type }) => type === interpreterType);
  const folders = textsOf(tags.runpath).length > 0 ? textsOf(tags.runpath) : textsOf(tags.rpath);
  return {
    bits: wide ? 64 : 32,
    machine: half(18),
    interpreter:
      interpreter === undefined
        ? undefined
        : readText(bytes, interpreter.offset, Math.min(interpreter.size, longestText)),
    needed: textsOf(tags.needed),
    folders: folders.flatMap((text) => text.split(':')).filter((text) => text !== ''),
  };

  function listTags(): [tag: number, value: number][] {
    const dynamic = headers.find(({ type }) => type === dynamicType);
    const found: [number, number][] = [];
    if (dynamic === undefined) return found;
    const most = Math.min(Math.floor(dynamic.size / (2 * size)), mostTags);
    for (let index = 0; index < most; index += 1) {
      const at = dynamic.offset + index * 2 * size;
      const tag = word(at);
      if (tag === 0) break;
      found.push([tag, word(at + size)]);
    }
    return found;
  }

  /** Where in the file stands what is loaded at this address. */
  function toOffset(address: number): number {
    const load = headers.find(
      (each) => each.type === loadType && address >= each.address && address < each.address + each.size,
    );
    return load === undefined ? address : address - load.address + load.offset;
  }
}

function readText(bytes: Uint8Array, at: number, most: number): string {
  if (!Number.isSafeInteger(at) || at < 0 || at >= bytes.length) throw new RangeError('outside of the file');
  const end = bytes.subarray(at, at + most).indexOf(0);
  return String.fromCharCode(...bytes.subarray(at, end < 0 ? Math.min(at + most, bytes.length) : at + end));
}
