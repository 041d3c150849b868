import { createStreamEngine } from '../../engine/stream.js';
import { createWorkspace } from '../../engine/workspace.js';
import type { BuildRequest } from '../../model/build.js';
import type { Change } from '../../model/image/change.js';
import type { Plan } from '../../model/patch/plan.js';
import type { StepReport } from '../../model/result/report.js';
import type { Session } from '../../model/session.js';
import { applySteps } from '../../patch/apply-steps.js';
import { createPlan } from '../../patch/plan.js';
import { type AppendedRecord, planAppend } from '../../repack/append-plan.js';
import { writeNewArchive } from '../../repack/write-append.js';
import { createAppendError } from '../../repack/write-changes.js';
import { type Base, createUnfitError } from './open-base.js';
import type { HostRow } from './read-table.js';

/** What one machine gets behind the base, in memory. */
export interface Overlay {
  readonly plan: Plan;
  readonly steps: readonly StepReport[];
  readonly changes: readonly Change[];
  readonly records: readonly AppendedRecord[];
  readonly bytes: Uint8Array;
}

/** Errors: those of a plan and of steps; `overlay-unfit`, `append-impossible`. */
export async function makeOverlay(
  base: Base,
  { values }: HostRow,
  { request, session }: { readonly request: BuildRequest; readonly session: Session },
): Promise<Overlay> {
  const { image, index, stamp, facts } = base;
  const { signal, cache } = session;
  const settings = { ...request.settings, ...values };
  const plan = await createPlan({
    patches: request.patches,
    settings,
    image: image.layout.sha256,
    stamp,
    facts,
  });
  const runner = plan.steps.find(({ needs }) => needs.length > 0);
  if (runner !== undefined) throw createUnfitError(request, `the step "${runner.summary}" runs commands`);
  const log = () => {};
  const options = {
    image,
    engine: createStreamEngine(),
    reads: plan.reads,
    index,
    stamp,
    signal,
    cache,
    log,
  };
  await using workspace = createWorkspace(options);
  const { reports } = await applySteps(plan.steps, workspace, undefined, { signal, log, onStep: () => {} });
  const changes = await workspace.changes();
  if (workspace.bootconfig() !== undefined)
    throw createUnfitError(request, 'a step writes a boot configuration');
  if (changes.length === 0) throw createUnfitError(request, 'the patches change nothing');
  const records = planAppend(base.near(changes), changes);
  if ('reason' in records) throw createAppendError(records);
  const pieces: Uint8Array[] = [];
  const { level } = request;
  for await (const piece of writeNewArchive(image, records, { codec: base.codec, level, signal }))
    pieces.push(piece.slice());
  return { plan, steps: reports, changes, records, bytes: Buffer.concat(pieces) };
}
