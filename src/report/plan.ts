import type { PlanReport } from '../model/result/report.js';
import { describeCached, describeSkipped } from './text.js';

/** The steps of a plan, with what each becomes in the image, and those that are left out with their reasons. */
export function renderPlan({ init, steps, skipped = [] }: PlanReport): string[] {
  return [
    ...(steps.some((step) => step.becomes !== undefined) && init?.name !== undefined
      ? [`init    ${init.name}: ${init.evidence}`]
      : []),
    ...steps.flatMap(({ patch, summary, needs, cached, proven, secrets = [], becomes = [] }) => [
      `step    ${patch}: ${summary}${needs.length > 0 ? ` (needs ${needs.join(', ')})` : ''}${secrets.length > 0 ? ` (gets ${secrets.join(', ')})` : ''}${cached ? `, ${describeCached(proven)}` : ''}`,
      ...becomes.map((line) => `        ${line}`),
    ]),
    ...skipped.map((step) => `no step ${describeSkipped(step)}`),
  ];
}
