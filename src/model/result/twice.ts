/** A path of which two runs of the same steps made different things. */
export interface RunDifference {
  readonly path: string;
  /** `contents`, `mode`, `owner`, `time`, `target`, `type`, or `only once`. */
  readonly what: string;
  /** The first byte of a file that differs. */
  readonly offset?: number | undefined;
  /** The steps that wrote the path, in their order. */
  readonly steps: readonly string[];
  /** How to have the same bytes each time, where that is known. */
  readonly remedy?: string | undefined;
}
