/** The first word of a legacy frame (`lz4 -l`), little-endian. */
const lz4Magic = 0x184c2102;

/** LZ4_compressBound of the 8 MiB that a block holds: a kernel refuses more. */
const largestLz4Block = 8 * 1024 * 1024 + Math.floor((8 * 1024 * 1024) / 255) + 16;

/**
 * The meaning of the word where a block may begin. A legacy frame has no end mark: zeros, the end of the file or another
 * frame end it, and any other word is the size of a block (lib/decompress_unlz4.c).
 */
export function parseLz4Word(word: number): 'frame' | 'end' | 'not-a-block' | number {
  if (word === lz4Magic) return 'frame';
  if (word === 0) return 'end';
  return word > largestLz4Block ? 'not-a-block' : word;
}
