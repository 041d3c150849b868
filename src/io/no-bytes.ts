import type { Bytes } from '../model/image/entry.js';

/** A body without a byte. */
export async function* noBytes(): Bytes {}
