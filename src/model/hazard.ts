/** Something in an image that keeps a boot from coming up as it should, found without booting it. */
export interface Hazard {
  /** Stable, for scripts: `console-not-device`. */
  readonly code: string;
  /** `fatal`: the boot hangs, panics or goes on without a word; `warning`: it comes up, with something amiss. */
  readonly severity: 'fatal' | 'warning';
  /** The path in the image that it is about, or `segment N`. With the code it tells one hazard from another. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}
