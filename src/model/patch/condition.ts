/** What must be so for a patch, a step or an expectation to count: all that is named here. */
export interface Condition {
  readonly os?: readonly string[] | undefined;
  /** `3.19`, which 3.19.1 is too, or comparisons: `>=3.18 <4`. */
  readonly version?: string | undefined;
  readonly 'package-manager'?: readonly string[] | undefined;
  readonly init?: readonly string[] | undefined;
  readonly architecture?: readonly string[] | undefined;
  /** All of them exist in the image, as it is before the first step. */
  readonly path?: readonly string[] | undefined;
  /** Name -> the values of which it has one. */
  readonly parameter?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface When extends Condition {
  /** What must not be so. */
  readonly not?: Condition | undefined;
}
