import type { Entry } from './entry.js';

/**
 * A difference between two root file systems. `remove` takes the whole subtree.
 * A `put` names every property of the new entry; it never inherits one from the old.
 * Names with the same `link` in one set of changes are one file; `size` and `body()` are alike on each.
 */
export type Change =
  | { readonly op: 'put'; readonly entry: Entry }
  | { readonly op: 'remove'; readonly path: string };

/** The boot configuration that an image must get. */
export interface WantedBootconfig {
  /** One character a byte; undefined: none. */
  readonly text: string | undefined;
}
