import type { ErrorReport } from '../error/error.js';

/** `waiting`: not done yet, whether a machine works on it or not. */
export type JobState = 'done' | 'failed' | 'waiting';

export interface JobResult {
  readonly name: string;
  /** `oci://HOST/REPOSITORY:TAG` of the image; absent until it is done. */
  readonly reference?: string | undefined;
  readonly state: JobState;
  readonly error?: ErrorReport | undefined;
}

/** The value of `fleet build --json` and `fleet status --json`: what the registry holds. */
export interface FleetReport {
  readonly version: 1;
  readonly plan: string;
  readonly failed: boolean;
  /** In the order of the plan. */
  readonly jobs: readonly JobResult[];
}
