import { setFlagsFromString } from 'node:v8';

/**
 * Left alone, V8 lets garbage grow to three times what is in use before it looks for it: here images are large
 * and what is held of them small.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=50');
}
