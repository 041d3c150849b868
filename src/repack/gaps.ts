import { countGapZeros } from '../format/segment-gap.js';
import type { Codec, Segment } from '../model/layout.js';

/** Zeros in front of a segment that comes at once behind one that was written anew with the codec `previous`. */
export function sizeOfGap(next: Segment | undefined, written: number, previous: Codec): number {
  if (next === undefined || next.kind === 'padding') return 0;
  if (next.kind === 'cpio') return countGapZeros(previous, next.compression.codec, written);
  const least = countGapZeros(previous, 'opaque', written);
  return least + distance(written + least, next.offset);
}

/**
 * Fewer than four zeros are there to reach a multiple of four; more are copied, then rounded up to what the
 * old end was beside a multiple of four.
 * `previous`: the codec of the segment in front.
 */
export function sizeOfPadding(segment: Segment, written: number, last: boolean, previous: Codec): number {
  const size = segment.end - segment.offset;
  const least = last ? 0 : countGapZeros(previous, 'opaque', written);
  const start = written + (size < 4 ? least : size);
  // Bytes at which the kernel stops may be an archive that only begins at a wrong place: it stays wrong.
  const aligned = last && segment.end % 4 !== 0 ? 0 : distance(start, segment.end);
  return start - written + aligned;
}

/** Zeros from one place to one that is as far from a multiple of four as another. */
function distance(from: number, to: number): number {
  return (((to - from) % 4) + 4) % 4;
}
