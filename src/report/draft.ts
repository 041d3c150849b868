import { createRedaction, type Redaction } from '../format/redaction.js';
import type { FileAccess } from '../model/access.js';
import { createErrorReport } from '../model/error/error.js';
import type { InitDetection } from '../model/patch/init.js';
import type { Plan } from '../model/patch/plan.js';
import type { Outcome, PlanReport, Report, Stage, StepReport } from '../model/result/report.js';

/** The report of a run that is still going on. */
export interface ReportDraft {
  /** Runs one stage and records how long it took. */
  stage<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
  set(parts: Partial<Report>): void;
  addStep(step: StepReport): void;
  warn(warning: string): void;
  /** Who may read the image. */
  restrict(access: FileAccess): void;
  report(): Report;
  /** Runs the work. Never rejects: the outcome has the error. */
  finish(work: () => Promise<void>): Promise<Outcome>;
}

/** `redaction`: of the secrets that no report shows. */
export function createReportDraft(
  input: string,
  onStage: (stage: Stage) => void,
  redaction: Redaction = createRedaction([]),
): ReportDraft {
  const start = performance.now();
  const steps: StepReport[] = [];
  const warnings: string[] = [];
  const stages: Partial<Record<Stage, number>> = {};
  let parts: Partial<Report> = {};
  let current: Stage = 'configure';
  let access: FileAccess | undefined;

  const report = (): Report =>
    redaction.value({
      version: 1,
      failed: false,
      stage: current,
      input,
      ...parts,
      steps,
      warnings,
      stages,
      durationMs: Math.round(performance.now() - start),
    });

  return {
    async stage(stage, work) {
      if (current !== stage) onStage(stage);
      current = stage;
      const begun = performance.now();
      try {
        return await work();
      } finally {
        stages[stage] = (stages[stage] ?? 0) + Math.round(performance.now() - begun);
      }
    },
    set(more) {
      parts = { ...parts, ...more };
    },
    addStep: (step) => steps.push(step),
    warn: (warning) => warnings.push(warning),
    restrict(known) {
      access = known;
    },
    report,
    async finish(work) {
      try {
        await work();
        return { report: report(), access };
      } catch (thrown) {
        const error = redaction.error(thrown);
        return { report: { ...report(), failed: true, error: createErrorReport(error) }, error, access };
      }
    },
  };
}

/**
 * A plan as reports show it. `cachedSteps`: how many of its first steps an earlier build did; `proven`: whether that one
 * passed its boot; `rootKept`: whether the engine still has the root of the image.
 */
export function createPlanReport({
  plan,
  cachedSteps = 0,
  proven,
  rootKept,
  init,
}: {
  readonly plan: Plan;
  readonly init?: InitDetection | undefined;
  readonly cachedSteps?: number;
  readonly proven?: boolean | undefined;
  readonly rootKept?: boolean | undefined;
}): PlanReport {
  const steps = plan.steps.map(({ patch, kind, summary, id, needs, secrets, becomes }, index) => ({
    patch,
    kind,
    summary,
    id,
    needs,
    cached: index < cachedSteps,
    ...(index < cachedSteps && { proven }),
    ...(secrets.length > 0 && { secrets }),
    ...(init?.name !== undefined && becomes !== undefined && { becomes: becomes(init.name) }),
  }));
  const skipped = plan.skipped.map(({ patch, kind, summary, reason }) => ({ patch, kind, summary, reason }));
  const { id, patches, needs } = plan;
  return {
    id,
    ...(init !== undefined && { init }),
    patches,
    steps,
    ...(skipped.length > 0 && { skipped }),
    needs,
    rootKept,
  };
}
