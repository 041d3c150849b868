/** A fault of an image that keeps it from booting as it should, found without a boot. */
export interface Hazard {
  /** Stable, for scripts: `console-not-device`. */
  readonly code: string;
  /** `fatal`: the boot hangs, panics or silently goes wrong; `warning`: it succeeds, with something amiss. */
  readonly severity: 'fatal' | 'warning';
  /**
   * A path in the image, or `archive N`, counted from 1 without padding: so it stays what it is when another archive is
   * written anew. Code and path together identify a hazard.
   */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}
