/** The 48 bits before each block, and before the checksum of a stream. They may begin at any bit of a byte. */
const marks = { block: 0x314159265359, end: 0x177245385090 } as const;
const markBits = 48;
const checksumBits = 32;

/** Bytes of a mark with its checksum that begins at the last bit of a byte. */
export const bzip2MarkSpan = 11;

export interface Bzip2Mark {
  readonly kind: keyof typeof marks;
  /** Bits from the start of the searched bytes to the first bit behind the checksum of the mark. */
  readonly endBit: number;
  /** Of the block, or of the whole stream. */
  readonly checksum: number;
}

interface Candidate {
  readonly kind: keyof typeof marks;
  readonly shift: number;
}

/** By the second byte that a mark touches: at every shift that byte is wholly part of the mark. */
const candidates: readonly (readonly Candidate[] | undefined)[] = createCandidates();

/**
 * The marks that begin in the first `count` bytes, in order; a mark that the end of `bytes` cuts is not found. Data
 * has the same bits by chance with a probability of 2^-48 for each bit.
 */
export function* findBzip2Marks(bytes: Uint8Array, count: number): Generator<Bzip2Mark, void, void> {
  const last = Math.min(count, bytes.length - 1);
  for (let at = 0; at < last; at += 1) {
    const here = candidates[bytes[at + 1] ?? 0];
    if (here === undefined) continue;
    for (const { kind, shift } of here) {
      const bit = at * 8 + shift;
      const endBit = bit + markBits + checksumBits;
      if (endBit > bytes.length * 8 || readBits(bytes, bit, markBits) !== marks[kind]) continue;
      yield { kind, endBit, checksum: readBits(bytes, bit + markBits, checksumBits) };
    }
  }
}

/** The checksum of a stream after one more block. */
export function foldBzip2Checksum(stream: number, block: number): number {
  return (((stream << 1) | (stream >>> 31)) ^ block) >>> 0;
}

/** The level from the four bytes that begin a stream (`BZh9`); undefined for other bytes. */
export function parseBzip2Header(bytes: Uint8Array): number | undefined {
  const level = (bytes[3] ?? 0) - 0x30;
  const known = bytes[0] === 0x42 && bytes[1] === 0x5a && bytes[2] === 0x68 && level >= 1 && level <= 9;
  return known ? level : undefined;
}

function createCandidates(): (Candidate[] | undefined)[] {
  const table = new Array<Candidate[] | undefined>(256).fill(undefined);
  for (const kind of ['block', 'end'] as const)
    for (let shift = 0; shift < 8; shift += 1) {
      const byte = Math.floor(marks[kind] / 2 ** (32 + shift)) % 256;
      table[byte] = [...(table[byte] ?? []), { kind, shift }];
    }
  return table.map((row) => row?.sort((one, other) => one.shift - other.shift));
}

/** At most 48 bits as a number. */
function readBits(bytes: Uint8Array, bit: number, count: number): number {
  const first = bit >> 3;
  const last = (bit + count - 1) >> 3;
  let value = (bytes[first] ?? 0) & (0xff >> (bit & 7));
  for (let at = first + 1; at < last; at += 1) value = value * 256 + (bytes[at] ?? 0);
  const kept = ((bit + count - 1) & 7) + 1;
  if (last > first) value = value * 2 ** kept + ((bytes[last] ?? 0) >> (8 - kept));
  return value;
}
