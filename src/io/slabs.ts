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
