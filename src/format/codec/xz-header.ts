/** Bytes that hold a stream header and the largest header of the block behind it. */
export const longestXzHeader = 12 + 1024;

export interface XzHeader {
  readonly check: 'none' | 'crc32' | 'crc64' | 'sha256' | 'unknown';
  /** Of the first block; absent when there is none, or when its header is of an unknown form. */
  readonly block?: XzBlockHeader | undefined;
}

export interface XzBlockHeader {
  /** Filters by their numbers in the format's list: 3 delta, 4 to 9 for machine code, 0x21 LZMA2. */
  readonly filters: readonly number[];
  /** A filter in front of LZMA2 has properties: machine code then begins elsewhere than at 0. */
  readonly hasStart: boolean;
  /** Bytes of the LZMA2 dictionary. */
  readonly dictionary: number | undefined;
}

const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const lzma2 = 0x21;
const checks: Readonly<Record<number, XzHeader['check']>> = {
  0: 'none',
  1: 'crc32',
  4: 'crc64',
  10: 'sha256',
};

/** Parses the start of a stream (xz-file-format 2.1.1 and 3.1); its checksums are not verified. */
export function parseXzHeader(bytes: Uint8Array): XzHeader | 'truncated' | 'not-xz' {
  if (magic.some((byte, index) => index < bytes.length && bytes[index] !== byte)) return 'not-xz';
  if (bytes.length < 12) return 'truncated';
  if (bytes[6] !== 0) return 'not-xz';
  return { check: checks[bytes[7] ?? 0] ?? 'unknown', block: parseBlockHeader(bytes.subarray(12)) };
}

function parseBlockHeader(bytes: Uint8Array): XzBlockHeader | undefined {
  const size = ((bytes[0] ?? 0) + 1) * 4;
  const flags = bytes[1] ?? 0;
  if (bytes[0] === 0 || bytes.length < size) return undefined;
  let at = 2;
  const readInteger = () => {
    let value = 0;
    for (let shift = 0; at < size; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  if (flags & 0x40) readInteger();
  if (flags & 0x80) readInteger();
  const filters: number[] = [];
  let dictionary: number | undefined;
  let hasStart = false;
  for (let left = (flags & 3) + 1; left > 0 && at < size; left -= 1) {
    const filter = readInteger();
    const properties = readInteger();
    filters.push(filter);
    if (filter === lzma2) dictionary = decodeDictionary(bytes[at] ?? 0);
    else hasStart ||= properties > 0;
    at += properties;
  }
  return { filters, hasStart, dictionary };
}

/** The filters for machine code, as CONFIG_XZ_DEC_* of a kernel names them. */
const machineFilters: Readonly<Record<number, string>> = {
  4: 'X86',
  5: 'POWERPC',
  6: 'IA64',
  7: 'ARM',
  8: 'ARMTHUMB',
  9: 'SPARC',
  10: 'ARM64',
  11: 'RISCV',
};

/**
 * What of a block a kernel may refuse: dec_block_header of lib/xz/xz_dec_stream.c takes one filter for machine code at most,
 * without properties, and only those that it was built with.
 */
export function listXzObstacles({ filters, hasStart }: XzBlockHeader): readonly string[] {
  const names = filters.flatMap((filter) => machineFilters[filter] ?? []);
  return [
    ...(filters.length > 2 ? [`${filters.length} filters`] : []),
    ...(hasStart ? ['a start offset'] : []),
    ...names,
  ];
}

function decodeDictionary(bits: number): number | undefined {
  if (bits > 40) return undefined;
  return bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
}

export const lzmaHeaderSize = 13;

/** Bytes of the dictionary from the header of an "lzma alone" file; undefined when the header is cut. */
export function parseLzmaDictionary(bytes: Uint8Array): number | undefined {
  if (bytes.length < lzmaHeaderSize) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(1, true);
}
