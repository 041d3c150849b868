import type { ErrorReport } from '../error/error.js';

/** How a target ended. `refused`: its boot was; `left out`: another one failed before it began. */
export type TargetState = 'built' | 'unchanged' | 'refused' | 'failed' | 'left out';

export interface TargetResult {
  readonly name: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly state: TargetState;
  /** An absolute path; absent where nothing is there. */
  readonly output?: string | undefined;
  /** Of the output; hex. */
  readonly sha256?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly verdict?: 'passed' | 'refused' | 'not booted' | undefined;
  readonly error?: ErrorReport | undefined;
  readonly warnings: readonly string[];
  readonly durationMs: number;
}

/** The value of `build --all --json`. */
export interface TargetsReport {
  readonly version: 1;
  readonly failed: boolean;
  /** In the order of the file. */
  readonly targets: readonly TargetResult[];
  /** How many were built at a time. */
  readonly jobs: number;
  readonly durationMs: number;
}
