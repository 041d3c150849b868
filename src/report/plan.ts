import type { Plan } from '../model/plan.js';
import type { PlanReport } from '../model/report.js';

/** A plan as reports show it. `kept`: how many of its first steps an earlier build did. */
export function createPlanReport(plan: Plan, kept = 0, rootKept?: boolean): PlanReport {
  const steps = plan.steps.map(({ patch, kind, summary, id, needs }, index) => ({
    patch,
    kind,
    summary,
    id,
    needs,
    cached: index < kept,
  }));
  return { id: plan.id, patches: plan.patches, steps, needs: plan.needs, rootKept };
}
