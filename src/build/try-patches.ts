import { createScratch } from '../io/place/scratch.js';
import type { BuildRequest } from '../model/build.js';
import type { MobyPatchError } from '../model/error/error.js';
import type { Session } from '../model/session.js';
import { chooseStamp } from '../patch/choose-stamp.js';
import { findImageWarnings } from '../patch/image-warnings.js';
import { createPlan } from '../patch/plan.js';
import { detectInitOf } from '../tree/init-system.js';
import { runChecks } from '../verify/preflight/run-checks.js';
import type { Problem } from '../yaml/problems.js';
import { findFacts } from './find-facts.js';
import { openInput } from './prepare.js';
import { createRun } from './run.js';
import { listStepChecks, withImage } from './step-checks.js';

export interface PatchTrial {
  /** Of steps that cannot succeed in the image, and of pins that are broken. */
  readonly problems: readonly MobyPatchError[];
  readonly warnings: readonly Problem[];
}

/** What is wrong with patches in an image, without an engine, an output or a boot. Errors: those of a plan. */
export async function tryPatches(request: BuildRequest, session: Session): Promise<PatchTrial> {
  await using scratch = await createScratch();
  await using image = await openInput(createRun(request, session), scratch);
  const stamp = chooseStamp(request, image);
  const { patches, settings, secrets } = request;
  const facts = await findFacts(patches, image);
  const plan = await createPlan({ patches, settings, image: image.layout.sha256, stamp, secrets, facts });
  const options = { image, request, plan, cached: undefined, stamp, session };
  const { problems } = await runChecks(await listStepChecks(options));
  const init = detectInitOf(image.entries).name;
  const warnings = await withImage(options, undefined, (workspace) =>
    findImageWarnings(plan.steps, { workspace, init }),
  );
  return { problems, warnings };
}
