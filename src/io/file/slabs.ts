/** Bytes: most runs between two cuts fit. */
export const slabSize = 1280 * 1024;

const mostFree = 8;
const mostIdle = 2;
const free: ArrayBuffer[] = [];

/**
 * A buffer of `slabSize`, a used one if there is one. V8 counts memory outside of its heap only now and then: with a
 * new megabyte for each run of a large image, a hundred of them pile up before it looks. The free list is shared by
 * the process; which buffer a caller gets makes no difference to any result.
 */
export function takeSlab(): Buffer {
  const used = free.pop();
  return used === undefined ? Buffer.allocUnsafeSlow(slabSize) : Buffer.from(used);
}

/** Returns a buffer that is no longer read; one of another size is left to the garbage collector. */
export function giveSlab(buffer: ArrayBuffer): void {
  if (isSlab(buffer) && free.length < mostFree) free.push(buffer);
}

/** Leaves the collector all but a few of the buffers that nobody reads: what used many of them has ended. */
export function trimSlabs(): void {
  free.length = Math.min(free.length, mostIdle);
}

/** Whether it is a buffer that has one owner: those that Node cuts into pieces are smaller. */
export function isSlab(buffer: ArrayBuffer): boolean {
  return buffer.byteLength === slabSize;
}

/** Gathers bytes into slabs, each a buffer of its own that the consumer may recycle. */
export interface SlabWriter {
  /** Copies the bytes; the slabs that they fill, to be read to the end before more is added. */
  add(bytes: Uint8Array): Iterable<Uint8Array>;
  /** What was added since the last full slab; undefined when that is nothing. */
  end(): Uint8Array | undefined;
}

const none: readonly Uint8Array[] = [];

export function createSlabWriter(): SlabWriter {
  let slab: Buffer | undefined;
  let size = 0;

  function* addAcross(bytes: Uint8Array): Generator<Uint8Array, void, void> {
    for (let at = 0; at < bytes.length; ) {
      slab ??= takeSlab();
      const count = Math.min(slabSize - size, bytes.length - at);
      slab.set(bytes.subarray(at, at + count), size);
      at += count;
      size += count;
      if (size < slabSize) continue;
      yield slab;
      [slab, size] = [undefined, 0];
    }
  }

  return {
    add(bytes) {
      if (slab === undefined || size + bytes.length >= slabSize) return addAcross(bytes);
      slab.set(bytes, size);
      size += bytes.length;
      return none;
    },
    end() {
      const last = size === 0 ? undefined : slab?.subarray(0, size);
      [slab, size] = [undefined, 0];
      return last;
    },
  };
}
