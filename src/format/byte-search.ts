/** Bytes of every needle that the table looks at. */
const window = 8;
const most = window - 1;

/**
 * Finds which of many needles are in bytes, in one pass that skips most of them (Wu and Manber): the two last bytes of a
 * window say how far the next place is at which a needle could begin. A needle has at least 8 bytes.
 */
export function createByteSearch(needles: readonly Uint8Array[]): (bytes: Uint8Array) => Set<number> {
  const shifts = new Uint8Array(65536).fill(most);
  for (const needle of needles) {
    for (let at = 0; at < most; at += 1) {
      const pair = ((needle[at] ?? 0) << 8) | (needle[at + 1] ?? 0);
      shifts[pair] = Math.min(shifts[pair] ?? most, most - 1 - at);
    }
  }
  return (bytes) => {
    const found = new Set<number>();
    for (let at = most; at < bytes.length; ) {
      const shift = shifts[((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0)] ?? 0;
      if (shift === 0) addMatches(bytes, at - most, needles, found);
      at += shift === 0 ? 1 : shift;
    }
    return found;
  };
}

function addMatches(
  bytes: Uint8Array,
  start: number,
  needles: readonly Uint8Array[],
  found: Set<number>,
): void {
  for (const [index, needle] of needles.entries())
    if (bytes[start] === needle[0] && needle.every((byte, at) => bytes[start + at] === byte))
      found.add(index);
}
