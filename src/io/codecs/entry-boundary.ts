/**
 * Stands in a stream of archive bytes where an entry begins: no bytes, known by its identity. A kernel takes
 * a gzip member that ends here and goes on with the next one; one that is cut inside an entry it refuses
 * ("junk at the end of compressed archive").
 */
export const entryBoundary: Uint8Array = new Uint8Array(0);
