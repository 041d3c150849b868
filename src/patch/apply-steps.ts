import type { Cache } from '../model/cache.js';
import type { EngineName, OpenWorkspace, WorkspaceState } from '../model/engine.js';
import type { Step } from '../model/patch.js';
import type { StepReport } from '../model/report.js';
import { type KeptSteps, keepSteps } from './cached-steps.js';

export interface ApplyOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly onStep: (step: StepReport) => void;
}

/** What can be kept of a build's steps once the build has passed all its checks. */
export interface AppliedSteps {
  /** To be called before the workspace is closed, which has the bodies. */
  keep(engine: EngineName, cache: Cache): Promise<void>;
}

/** The steps up to and including one, and what they made. */
interface Prefix {
  readonly last: Step;
  readonly reports: readonly StepReport[];
  readonly state: WorkspaceState;
}

/** Does the steps in their order, without those whose outcome the workspace was opened with. */
export async function applySteps(
  steps: readonly Step[],
  workspace: OpenWorkspace,
  kept: KeptSteps | undefined,
  { signal, log, onStep }: ApplyOptions,
): Promise<AppliedSteps> {
  const reports = [...(kept?.steps ?? [])];
  for (const report of reports) onStep(report);
  const left = steps.slice(reports.length);
  if (kept !== undefined) log(describeKept(reports.length, steps, left));
  if (left.some(({ needs }) => needs.length > 0)) workspace.expectCommands();
  const prefixes: Prefix[] = [];
  let hasNews = false;
  for (const step of left) {
    signal.throwIfAborted();
    reports.push(await applyStep(step, workspace, log));
    onStep(reports.at(-1) as StepReport);
    hasNews ||= step.needs.length > 0;
    if (!hasNews) continue;
    const done = [...reports];
    workspace.whenKnown((state) => {
      prefixes.push({ last: step, reports: done, state });
      hasNews = false;
    });
  }
  return {
    async keep(engine, cache) {
      for (const { last, reports: done, state } of prefixes)
        await keepSteps(last, done, state, engine, cache);
    },
  };
}

async function applyStep(
  step: Step,
  workspace: OpenWorkspace,
  log: (line: string) => void,
): Promise<StepReport> {
  const start = performance.now();
  log(`${step.patch}: ${step.summary}`);
  const { changed, notes = [], packages = {} } = await step.apply(workspace);
  const { patch, kind, summary } = step;
  return {
    patch,
    kind,
    summary,
    changed,
    cached: false,
    notes,
    packages,
    durationMs: Math.round(performance.now() - start),
  };
}

function describeKept(count: number, steps: readonly Step[], left: readonly Step[]): string {
  const what = `${count} of ${steps.length} steps: what an earlier build made of them is taken`;
  return left.some(({ needs }) => needs.length > 0)
    ? what
    : `${what}; no command is left, nothing is started`;
}
