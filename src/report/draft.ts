import { createErrorReport } from '../model/error.js';
import type { Outcome, Report, Stage, StepReport } from '../model/report.js';

/** A report that grows while a build goes on. */
export interface ReportDraft {
  /** Runs one stage and keeps how long it took. */
  stage<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
  set(parts: Partial<Report>): void;
  addStep(step: StepReport): void;
  warn(warning: string): void;
  report(): Report;
  /** Does the work; never rejects: the outcome carries its error. */
  finish(work: () => Promise<void>): Promise<Outcome>;
}

export function createReportDraft(input: string, onStage: (stage: Stage) => void): ReportDraft {
  const start = performance.now();
  const steps: StepReport[] = [];
  const warnings: string[] = [];
  const stages: Partial<Record<Stage, number>> = {};
  let parts: Partial<Report> = {};
  let current: Stage = 'configure';

  const report = (): Report => ({
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
      current = stage;
      onStage(stage);
      const begun = performance.now();
      try {
        return await work();
      } finally {
        stages[stage] = Math.round(performance.now() - begun);
      }
    },
    set(more) {
      parts = { ...parts, ...more };
    },
    addStep: (step) => steps.push(step),
    warn: (warning) => warnings.push(warning),
    report,
    async finish(work) {
      try {
        await work();
        return { report: report() };
      } catch (error) {
        return { report: { ...report(), failed: true, error: createErrorReport(error) }, error };
      }
    },
  };
}
