import type { Codec } from '../../model/image/layout.js';

/**
 * The zeros that must stand between a part of an image that ends at `position` and the next part. A raw archive begins at
 * a multiple of four. A legacy frame of lz4 ends only at four zeros, since the kernel takes any other word behind a block
 * for the size of the next one.
 */
export function countGapZeros(previous: Codec, next: Codec | 'opaque', position: number): number {
  const least = previous === 'lz4' ? 4 : 0;
  return next === 'none' ? least + ((4 - ((position + least) % 4)) % 4) : least;
}
