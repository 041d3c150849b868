import { createStreamEngine } from '../engine/stream.js';
import { createWorkspace } from '../engine/workspace.js';
import type { BuildRequest } from '../model/build.js';
import type { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { Plan } from '../model/patch/plan.js';
import type { Session } from '../model/session.js';
import type { CachedSteps } from '../patch/cached-steps.js';
import { checkPins } from '../patch/check-pins.js';
import { rehearseSteps } from '../patch/rehearse.js';
import type { Check } from '../verify/preflight/run-checks.js';

export interface StepCheckOptions {
  readonly image: Image;
  readonly request: BuildRequest;
  readonly plan: Plan;
  /** The first steps, which an earlier build did, and what it made of the image. */
  readonly cached: CachedSteps | undefined;
  readonly stamp: number;
  readonly session: Session;
}

/** Whether the image has the files that steps were written for, and what each step needs. */
export async function listStepChecks(options: StepCheckOptions): Promise<Check[]> {
  const { request, plan, cached, session } = options;
  const { signal } = session;
  const pinned = plan.steps.filter(({ pin }) => pin !== undefined);
  const broken =
    pinned.length === 0
      ? []
      : await withImage(options, undefined, (workspace) =>
          checkPins(plan.steps, { workspace, accept: request.accept ?? [], signal }),
        );
  const left = plan.steps.slice(cached?.steps.length ?? 0);
  const { problems, notes, count, end } = await withImage(options, cached, (workspace) =>
    rehearseSteps(left, workspace, signal),
  );
  const files = `${pinned.length} ${pinned.length === 1 ? 'file is' : 'files are'} what steps were written for, or accepted`;
  return [
    ...(pinned.length > 0 ? toChecks('files', broken, files) : []),
    ...(left.length > 0
      ? toChecks('steps', problems, [describeTried(count, left.length, end), ...notes].join('\n'))
      : []),
  ];
}

/** Does something in a workspace of the image, or of what an earlier build made of it; no command runs. */
export async function withImage<T>(
  { image, plan, request, stamp, session }: StepCheckOptions,
  cached: CachedSteps | undefined,
  work: (workspace: ReturnType<typeof createWorkspace>) => Promise<T>,
): Promise<T> {
  const { signal, cache, log } = session;
  const { reads } = plan;
  const engine = createStreamEngine();
  const options = { image, engine, reads, stamp, signal, cache, log, limits: request.limits };
  await using workspace = createWorkspace({ ...options, from: cached?.state });
  return await work(workspace);
}

function describeTried(count: number, all: number, end: string | undefined): string {
  const tried = `${count} of ${all} tried on the image`;
  return end === undefined ? tried : `${tried}; ${end}`;
}

function toChecks(name: Check['name'], problems: readonly MobyPatchError[], found: string): Check[] {
  if (problems.length === 0) return [{ name, look: () => found }];
  return problems.map((problem) => ({ name, look: () => Promise.reject(problem) }));
}
