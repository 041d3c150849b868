/** Bytes: a run between two boundaries mostly fits. */
export const slabSize = 1280 * 1024;

const mostFree = 8;
const free: ArrayBuffer[] = [];

/**
 * A buffer of `slabSize`. Used ones come again: V8 counts what stands outside of its heap only now and then, and a
 * megabyte for each run of a large image is a hundred before it looks.
 */
export function takeSlab(): Buffer {
  const used = free.pop();
  return used === undefined ? Buffer.allocUnsafeSlow(slabSize) : Buffer.from(used);
}

/** Takes a buffer back that nobody reads any more; one of another size is left to the collector. */
export function giveSlab(buffer: ArrayBuffer): void {
  if (buffer.byteLength === slabSize && free.length < mostFree) free.push(buffer);
}
