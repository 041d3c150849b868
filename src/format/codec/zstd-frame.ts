/** Bytes that hold any frame header (RFC 8878, 3.1.1.1) with its magic. */
export const longestZstdHeader = 18;

export interface ZstdHeader {
  /** Bytes up to the first block. */
  readonly size: number;
  /** Bytes that a decompressor must hold. */
  readonly window: number;
  /** Whether the window is as large as the content; then it tells nothing about the level. */
  readonly singleSegment: boolean;
  readonly checksum: boolean;
  readonly dictionary: boolean;
}

export type ZstdHeaderProblem = 'truncated' | 'not-zstd';

export interface ZstdBlock {
  readonly last: boolean;
  /** Bytes of the block in the file, its header not counted. */
  readonly size: number;
}

/** The largest content of a block, and so its largest compressed form. */
const largestBlock = 128 * 1024;

export function parseZstdHeader(bytes: Uint8Array): ZstdHeader | ZstdHeaderProblem {
  if (bytes.length < 6) return 'truncated';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const descriptor = view.getUint8(4);
  if (view.getUint32(0, true) !== 0xfd2fb528 || (descriptor & 0x08) !== 0) return 'not-zstd';
  const singleSegment = (descriptor & 0x20) !== 0;
  const idSize = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >> 6;
  const contentBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const idAt = singleSegment ? 5 : 6;
  const size = idAt + idSize + contentBytes;
  if (bytes.length < size) return 'truncated';
  const window = singleSegment
    ? readContentSize(view, idAt + idSize, contentBytes)
    : readWindow(view.getUint8(5));
  const dictionary = bytes.subarray(idAt, idAt + idSize).some((byte) => byte !== 0);
  return { size, window, singleSegment, checksum: (descriptor & 4) !== 0, dictionary };
}

/** Parses the three bytes before a block; undefined for bytes that no encoder writes. */
export function parseZstdBlock(bytes: Uint8Array): ZstdBlock | undefined {
  const word = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16);
  const type = (word >> 1) & 3;
  const size = word >> 3;
  if (type === 3 || size > largestBlock) return undefined;
  return { last: (word & 1) === 1, size: type === 1 ? 1 : size };
}

function readWindow(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function readContentSize(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
