/** What a build with boot has proven of an image, here or in an earlier run. */
export interface Proof {
  readonly verdict: 'passed' | 'refused';
  /** Of the plan: the image, and all steps with their parameters. */
  readonly plan: string;
  /** Why it was refused, in one sentence. */
  readonly reason?: string | undefined;
  /** The stage at which a refused boot ended; absent where it was refused without one. */
  readonly endedAt?: string | undefined;
  /** The last lines of the console of a refused boot. */
  readonly tail: readonly string[];
  /** Of the guest's time; absent without a boot. */
  readonly seconds?: number | undefined;
  /** Whether an earlier run has proven it, and nothing was booted now. */
  readonly remembered: boolean;
}

/** An image with the first patches or steps; 0: the stock image. */
export interface BisectionTry extends Proof {
  readonly count: number;
}

/** The value of `bisect --json`. */
export interface Bisection {
  readonly version: 1;
  readonly image: string;
  readonly unit: 'patch' | 'step';
  /** Names of all patches, or of all steps, in their order. */
  readonly units: readonly string[];
  /** In the order in which they were tried. */
  readonly tries: readonly BisectionTry[];
  /** How many were booted now. */
  readonly boots: number;
  /** The first patch or step with which the boot is refused, counted from 1; absent where all together pass. */
  readonly culprit?: { readonly number: number; readonly name: string; readonly reason: string } | undefined;
}
