import type { OpenWorkspace } from '../model/patch/engine.js';
import type { Step } from '../model/patch/patch.js';
import type { Workspace } from '../model/patch/workspace.js';
import type { StepReport } from '../model/result/report.js';
import type { AppliedSteps, CachedSteps } from './cached-steps.js';
import { runPlaced } from './place-error.js';

export interface ApplyOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly onStep: (step: StepReport) => void;
  /** Called before the first step that gets a secret. */
  readonly onSecret?: (() => void) | undefined;
}

/**
 * Applies the steps in their order, without those whose outcome the workspace was opened with. Each step that may run
 * commands has a checkpoint by its id.
 */
export async function applySteps(
  steps: readonly Step[],
  workspace: OpenWorkspace,
  cached: CachedSteps | undefined,
  { signal, log, onStep, onSecret }: ApplyOptions,
): Promise<AppliedSteps> {
  const reports = [...(cached?.steps ?? [])];
  for (const report of reports) onStep(report);
  const left = steps.slice(reports.length);
  if (cached !== undefined) log(describeCached(reports.length, steps, left));
  if (left.some(({ needs }) => needs.length > 0)) workspace.expectCommands();
  /** The last step whose commands have run: what they left is looked at later. */
  let ran: Step | undefined;
  const settle = async () => {
    if (ran !== undefined) await runPlaced(ran.at, workspace.settle);
    ran = undefined;
  };
  for (const step of left) {
    signal.throwIfAborted();
    // A script looks at nothing of the image: several in a row are looked at once.
    if (step.kind !== 'run') await settle();
    if (step.secrets.length > 0) onSecret?.();
    const report = await applyStep(step, workspace, { signal, log });
    reports.push(report);
    onStep(report);
    if (step.needs.length === 0) continue;
    workspace.checkpoint(step.id);
    ran = step;
  }
  await settle();
  return { steps, reports, checkpoints: workspace.checkpoints() };
}

async function applyStep(
  step: Step,
  workspace: OpenWorkspace,
  { signal, log }: Pick<ApplyOptions, 'signal' | 'log'>,
): Promise<StepReport> {
  const start = performance.now();
  log(`${step.patch}: ${step.summary}`);
  const { paths, hasRun, recorder } = recordWrites(workspace);
  const { changed, notes = [], packages = {}, downloads, output } = await step.apply(recorder, signal);
  const { patch, kind, summary } = step;
  return {
    patch,
    kind,
    summary,
    changed,
    cached: false,
    notes,
    packages,
    ...(paths.size > 0 && { paths: [...paths].sort() }),
    ...(hasRun() && { ran: true as const }),
    ...(downloads && { downloads }),
    ...(output && { output }),
    durationMs: Math.round(performance.now() - start),
  };
}

/** A workspace that notes which paths are written through it. */
function recordWrites(workspace: OpenWorkspace) {
  const paths = new Set<string>();
  let ran = false;
  const recorder: Workspace = {
    ...workspace,
    put(file) {
      paths.add(file.path);
      return workspace.put(file);
    },
    remove(path) {
      paths.add(path);
      return workspace.remove(path);
    },
    run(...command) {
      ran = true;
      return workspace.run(...command);
    },
  };
  return { paths, recorder, hasRun: () => ran };
}

function describeCached(count: number, steps: readonly Step[], left: readonly Step[]): string {
  const what = `${count} of ${steps.length} steps: their result comes from an earlier build`;
  return left.some(({ needs }) => needs.length > 0)
    ? what
    : `${what}; no command is left, nothing is started`;
}
