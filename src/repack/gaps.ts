import { countGapZeros } from '../format/segment-gap.js';
import type { Codec, Segment } from '../model/layout.js';

/** Zeros in front of a segment that comes at once behind one that was written anew with the codec `previous`. */
export function sizeOfGap(next: Segment | undefined, written: number, previous: Codec): number {
  if (next === undefined || next.kind === 'padding') return 0;
  return countGapZeros(previous, next.kind === 'opaque' ? 'opaque' : next.compression.codec, written);
}

/**
 * Fewer than four zeros are there to reach a multiple of four; more are copied, then rounded up.
 * `previous`: the codec of the segment in front.
 */
export function sizeOfPadding(segment: Segment, written: number, last: boolean, previous: Codec): number {
  const size = segment.end - segment.offset;
  const least = last ? 0 : countGapZeros(previous, 'opaque', written);
  const start = written + (size < 4 ? least : size);
  const aligned = last && segment.end % 4 !== 0 ? 0 : (4 - (start % 4)) % 4;
  return start - written + aligned;
}
