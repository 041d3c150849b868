import { createWorkspace } from '../engine/workspace.js';
import { noCache } from '../io/cache.js';
import type { Image } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { Engine } from '../model/patch/engine.js';
import type { Plan } from '../model/patch/plan.js';
import type { VendoredFile } from '../model/patch/workspace.js';
import { traceSteps } from '../patch/trace-steps.js';
import { compareRuns, refuseDifferences } from '../verify/compare-runs.js';
import type { Run } from './run.js';

interface Repetition {
  readonly image: Image;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly stamp: number;
  /** What the first run made; its bodies can still be read. */
  readonly changes: readonly Change[];
  readonly vendored: readonly VendoredFile[] | undefined;
}

/** Applies all steps once more, without the cache. Error (`failed`): `not-reproducible`; the report has all differences. */
export async function repeatSteps(
  { draft, request, session, redaction }: Run,
  { image, plan, engine, stamp, changes, vendored }: Repetition,
): Promise<void> {
  const { createFilter } = redaction;
  const { limits } = request;
  const options = { image, engine, reads: plan.reads, stamp, createFilter, limits, vendored };
  await using workspace = createWorkspace({ ...session, ...options, cache: noCache });
  const again = await traceSteps(plan.steps, workspace, session);
  const twice = await compareRuns(changes, again.changes, again.writers);
  draft.set({ twice });
  refuseDifferences(twice);
}
