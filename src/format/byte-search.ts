/** Bytes of every needle that the table looks at. */
const window = 8;
const most = window - 1;

/** The indexes of the needles that are in the bytes. */
export type ByteSearch = (bytes: Uint8Array) => Set<number>;

/**
 * Finds which of many needles are in bytes, in one pass that skips most of them (Wu and Manber): the two last bytes of a
 * window say how far the next place is at which a needle could begin. A needle has at least 8 bytes.
 */
export function createByteSearch(needles: readonly Uint8Array[]): ByteSearch {
  const shifts = new Uint8Array(65536).fill(most);
  /** The needles whose window ends with a pair. */
  const ends = new Map<number, number[]>();
  for (const [index, needle] of needles.entries()) {
    for (let at = 0; at < most; at += 1) {
      const pair = pairAt(needle, at);
      shifts[pair] = Math.min(shifts[pair] ?? most, most - 1 - at);
    }
    const last = pairAt(needle, most - 1);
    ends.set(last, [...(ends.get(last) ?? []), index]);
  }
  return (bytes) => {
    const found = new Set<number>();
    for (let at = most; at < bytes.length; ) {
      const pair = pairAt(bytes, at - 1);
      const shift = shifts[pair] ?? 0;
      if (shift === 0) {
        for (const index of ends.get(pair) ?? [])
          if (isAt(bytes, at - most, needles[index] ?? bytes)) found.add(index);
      }
      at += shift === 0 ? 1 : shift;
    }
    return found;
  };
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function isAt(bytes: Uint8Array, start: number, needle: Uint8Array): boolean {
  if (bytes.length - start < needle.length) return false;
  for (let at = 0; at < needle.length; at += 1) if (bytes[start + at] !== needle[at]) return false;
  return true;
}
