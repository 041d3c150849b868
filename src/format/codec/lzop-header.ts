/** Bytes that hold any header the kernel reads: its fields, a name of 255 bytes and the checksum. */
export const longestLzopHeader = 9 + 34 + 255 + 4;

const magic = [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a];
const bodyChecksums = { adler32: 0x0001, crc32: 0x0100 } as const;
const packedChecksums = 0x0202;
const filterFlag = 0x0800;
const crcFlag = 0x1000;
/** F_H_EXTRA_FIELD, F_MULTIPART, F_H_PATH: the kernel's parse_header knows none of them. */
const unknownFlags = 0x2440;

/** Block sizes above this are refused by lib/decompress_unlzo.c. */
export const largestLzopBlock = 256 * 1024;
/** The size of the plain data, of the packed data, and one checksum. */
export const lzopBlockHeader = 12;

export interface LzopHeader {
  /** Bytes up to the first block. */
  readonly size: number;
  readonly level: number | undefined;
  /** The place of the time in the header, and its bytes. */
  readonly time: { readonly at: number; readonly size: number };
  /** The place of the header's checksum, which covers everything behind the magic. */
  readonly checksumAt: number;
  readonly checksum: 'adler32' | 'crc32';
}

export type LzopHeaderProblem = 'truncated' | 'not-lzop' | 'unsupported-flags';

/** Parses the start of a file of `lzop` as far as the kernel understands it. */
export function parseLzopHeader(bytes: Uint8Array): LzopHeader | LzopHeaderProblem {
  if (magic.some((byte, index) => index < bytes.length && bytes[index] !== byte)) return 'not-lzop';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 38) return 'truncated';
  const recent = view.getUint16(9) >= 0x0940;
  const methodAt = recent ? 15 : 13;
  const flagsAt = methodAt + (recent ? 2 : 1);
  const flags = view.getUint32(flagsAt);
  const sums = Object.values(bodyChecksums).filter((flag) => (flags & flag) !== 0).length;
  if (sums !== 1 || (flags & (packedChecksums | unknownFlags)) !== 0) return 'unsupported-flags';
  const modeAt = flagsAt + 4 + ((flags & filterFlag) !== 0 ? 4 : 0);
  const time = { at: modeAt + 4, size: recent ? 8 : 4 };
  const nameAt = time.at + time.size;
  const checksumAt = nameAt + 1 + (bytes[nameAt] ?? 0);
  const size = checksumAt + 4;
  if (bytes.length < size) return 'truncated';
  return {
    size,
    level: recent ? bytes[methodAt + 1] : undefined,
    time,
    checksumAt,
    checksum: (flags & crcFlag) !== 0 ? 'crc32' : 'adler32',
  };
}

/** The Adler-32 of RFC 1950. */
export function computeAdler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return ((high << 16) | low) >>> 0;
}
