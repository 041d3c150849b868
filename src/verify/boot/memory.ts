import type { Layout } from '../../model/layout.js';

const mebibyte = 2 ** 20;

/** MiB. */
interface MemoryOptions {
  /** Used whatever the size of the image. */
  readonly memory?: number | undefined;
  readonly leastMemory?: number | undefined;
}

/**
 * MiB that are enough to boot an image: a kernel gives its first root at most half of the memory and holds
 * the image beside it until it is unpacked; an `/init` like Moby's then makes a second copy.
 */
export function chooseMemory(layout: Layout, { memory, leastMemory = 0 }: MemoryOptions = {}): number {
  if (memory !== undefined) return memory;
  const unpacked = layout.segments.reduce((sum, segment) => sum + segment.unpacked, 0);
  return Math.max(leastMemory, 512, Math.ceil((3 * unpacked + layout.size) / mebibyte) + 256);
}
