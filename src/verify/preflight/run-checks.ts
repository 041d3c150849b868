import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { Precheck } from '../../model/result/report.js';

/** One thing to look at before the work begins. */
export interface Check {
  readonly name: Precheck['name'];
  /** One sentence about what is there. A `MobyPatchError` is a problem; undefined: there was nothing to look at. */
  look(): Promise<string | undefined> | string | undefined;
}

export interface CheckResult {
  readonly prechecks: readonly Precheck[];
  readonly problems: readonly MobyPatchError[];
}

/** Makes all checks, whatever the earlier ones say. Rejects only for an interruption and for a defect. */
export async function runChecks(checks: readonly Check[]): Promise<CheckResult> {
  const prechecks: Precheck[] = [];
  const problems: MobyPatchError[] = [];
  for (const { name, look } of checks) {
    try {
      const found = await look();
      if (found !== undefined) prechecks.push({ name, found });
    } catch (error) {
      if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
      problems.push(error);
      prechecks.push({ name, found: error.message, problem: createErrorReport(error) });
    }
  }
  return { prechecks, problems };
}
