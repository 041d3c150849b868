import pLimit from 'p-limit';
import { longestGzipHeader, parseGzipHeader } from '../../format/codec/gzip-header.js';
import { slabSize, takeSlab } from '../../io/file/slabs.js';
import { createTurns } from '../../io/turns.js';
import { instantiate, type WithMemory } from '../instantiate.js';
import { hintSize } from './deflate.js';

/**
 * Where the matches of a gzip member are. To find them is most of what compressing costs: the same bytes are compressed
 * again in a quarter of the time.
 */
export interface HintReader {
  /**
   * For `size` unpacked bytes from `position` on; the ranges asked for must ascend. Undefined where the member is not
   * understood, or ends. Of a slab, unless they do not fit in one. Errors: those of the source.
   */
  read(position: number, size: number): Promise<Uint8Array | undefined>;
}

/** A gzip member, with anything behind it. */
export interface MemberBytes {
  /** Reads into a buffer of the caller from `at` on; how many bytes: none behind the end. */
  fill(bytes: Uint8Array, at: number): number;
}

/** What `libdeflate/hints.c` exports. */
interface Hints extends WithMemory {
  begin_hints(size: number, most: number): number;
  read_hints(): number;
  source_place(): number;
  source_room(): number;
  add_source(length: number): void;
  hints_place(): number;
  count_hints(): number;
}

/** Unpacked bytes that are passed over at a time, so that no number is signed. */
const longestSkip = 2 ** 30;
/** Unpacked bytes for each hint that there is room for: no compressor of use has shorter matches, with literals, on average. */
const bytesPerHint = 4;

/** Reads the member no further than what is asked for. */
export function createHintReader(member: MemberBytes): HintReader {
  const takeTurn = createTurns();
  const inOrder = pLimit(1);
  let hints: Hints | undefined;
  /** Where the next bytes of the member are, and the next unpacked ones. */
  let from = 0;
  let at = 0;
  let isUnderstood = true;

  function start(): Hints {
    const bytes = new Uint8Array(longestGzipHeader);
    const header = parseGzipHeader(bytes.subarray(0, member.fill(bytes, 0)));
    if (typeof header === 'string') isUnderstood = false;
    else from = header.size;
    return instantiate<Hints>(new URL('./libdeflate/hints.wasm', import.meta.url));
  }

  /** `most`: hints. */
  async function readRange(size: number, most: number): Promise<Uint8Array | undefined> {
    hints ??= start();
    const { memory, begin_hints, read_hints, source_place, source_room, add_source } = hints;
    if (!isUnderstood || begin_hints(size, most) === 0) return undefined;
    while (read_hints() !== 0) {
      await takeTurn();
      const place = source_place() >>> 0;
      const length = member.fill(new Uint8Array(memory.buffer, place, source_room() >>> 0), from);
      add_source(length);
      from += length;
    }
    const count = hints.count_hints() >>> 0;
    if (count === 0) return undefined;
    const found = new Uint8Array(memory.buffer, hints.hints_place() >>> 0, count * hintSize);
    if (found.length > slabSize) return found.slice();
    const slab = takeSlab();
    slab.set(found);
    return slab.subarray(0, found.length);
  }

  async function read(position: number, size: number): Promise<Uint8Array | undefined> {
    if (position < at) return undefined;
    for (; at < position; at += Math.min(position - at, longestSkip))
      await readRange(Math.min(position - at, longestSkip), 0);
    at += size;
    return readRange(size, Math.floor(size / bytesPerHint));
  }

  return { read: (position, size) => inOrder(read, position, size) };
}
