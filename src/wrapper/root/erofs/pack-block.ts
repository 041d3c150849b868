// lz4_Block_format.md of LZ4: the last five bytes are literals, and no match begins in the last twelve.
const endLiterals = 5;
const endMargin = 12;
const leastMatch = 4;
const farthest = 65535;
const hashBits = 14;
/** How many earlier places are tried for a longer match. */
const mostTries = 12;

/**
 * Packs `input` into a raw LZ4 block; undefined if it takes `room` bytes or more. `lz4` writes frames, whose block sizes an index of
 * erofs cannot express.
 */
export function packBlock(input: Uint8Array, room: number): Uint8Array | undefined {
  const heads = new Int32Array(2 ** hashBits).fill(-1);
  const chain = new Int32Array(input.length).fill(-1);
  const output = createBlockOutput(room);
  const limit = input.length - endMargin;
  const words = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const insert = (at: number) => {
    const hash = Math.imul(words.getUint32(at, true), 2654435761) >>> (32 - hashBits);
    chain[at] = heads[hash] ?? -1;
    heads[hash] = at;
  };
  let anchor = 0;
  for (let at = 0; at <= limit && output.hasRoom(); ) {
    insert(at);
    const match = findMatch(input, chain, at);
    if (match.length < leastMatch) {
      at += 1;
      continue;
    }
    output.literals(input.subarray(anchor, at), match.length);
    output.distance(at - match.start, match.length);
    for (let inside = at + 1; inside < at + match.length && inside <= limit; inside += 1) insert(inside);
    at += match.length;
    anchor = at;
  }
  output.literals(input.subarray(anchor), undefined);
  return output.end();
}

/** The longest match among the earlier places with the same hash. */
function findMatch(input: Uint8Array, chain: Int32Array, at: number): { start: number; length: number } {
  const most = input.length - endLiterals - at;
  let best = { start: at, length: 0 };
  let start = chain[at] ?? -1;
  for (let tries = 0; start >= 0 && tries < mostTries && at - start <= farthest; tries += 1) {
    if (best.length === 0 || input[start + best.length] === input[at + best.length]) {
      const length = measureMatch(input, { start, at, most });
      if (length > best.length) best = { start, length };
    }
    if (best.length >= most) break;
    start = chain[start] ?? -1;
  }
  return best;
}

function measureMatch(
  input: Uint8Array,
  { start, at, most }: { readonly start: number; readonly at: number; readonly most: number },
): number {
  let length = 0;
  while (length < most && input[start + length] === input[at + length]) length += 1;
  return length;
}

function createBlockOutput(room: number) {
  const bytes = new Uint8Array(room);
  let size = 0;
  const put = (byte: number) => {
    if (size < room) bytes[size] = byte;
    size += 1;
  };
  const putLength = (length: number) => {
    if (length < 15) return;
    let left = length - 15;
    for (; left >= 255; left -= 255) put(255);
    put(left);
  };
  return {
    hasRoom: () => size < room,
    /** `match`: the length of the match that follows; undefined at the end. */
    literals(literals: Uint8Array, match: number | undefined) {
      const code = match === undefined ? 0 : Math.min(match - leastMatch, 15);
      put((Math.min(literals.length, 15) << 4) | code);
      putLength(literals.length);
      if (size + literals.length <= room) bytes.set(literals, size);
      size += literals.length;
    },
    distance(distance: number, match: number) {
      put(distance & 255);
      put(distance >> 8);
      putLength(match - leastMatch);
    },
    end: (): Uint8Array | undefined => (size < room ? bytes.subarray(0, size) : undefined),
  };
}
