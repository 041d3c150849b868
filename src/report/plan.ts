import { showPath } from '../format/path.js';
import type { PlanReport, Report } from '../model/result/report.js';
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

/** What a build would do, what was checked, and the warnings. `shorten`: paths as the user wrote them. */
export function renderPlanned(report: Report, output: string, shorten: (text: string) => string): string[] {
  const { steps = [], rootKept } = report.plan ?? {};
  // Nothing is known of the steps of patches with mistakes.
  const isKnown = !report.prechecks?.some(({ name, problem }) => name === 'request' && problem !== undefined);
  return [
    `image   ${report.input} (${nameInitrd(report)}sha256 ${report.before?.sha256.slice(0, 16)})`,
    ...(report.engine === undefined || !isKnown
      ? []
      : [`engine  ${report.engine.name}: ${report.engine.reason}`]),
    ...(report.mode === undefined || !isKnown ? [] : [`mode    ${report.mode.name}: ${report.mode.reason}`]),
    ...(report.plan === undefined ? [] : renderPlan(report.plan)),
    ...(rootKept === undefined
      ? []
      : [`root    ${rootKept ? 'imported by an earlier build' : 'will be imported'}`]),
    `output  ${shorten(output)}${isKnown && steps.length === 0 ? ' (the input, bit for bit)' : ''}`,
    ...listChecks(report).map(shorten),
    ...report.warnings.map((warning) => shorten(`warning ${warning}`)),
  ];
}

/** What the digest is of, where it is not that of the file. */
function nameInitrd({ wrapper }: Report): string {
  return wrapper === undefined ? '' : `${showPath(wrapper.part)} in it, `;
}

/** Those that are not said above. Of a problem a line: the error that follows has its whole text. */
function listChecks({ prechecks = [] }: Report): string[] {
  return prechecks
    .filter(({ name, problem }) => problem !== undefined || (name !== 'engine' && name !== 'mode'))
    .flatMap(({ name, found, problem }) => {
      const [line = '', ...more] = found.split('\n');
      const isHeld = problem === undefined;
      const where =
        problem?.path === undefined || line.includes(problem.path) ? '' : `${showPath(problem.path)}: `;
      return [
        `check   ${isHeld ? 'yes' : 'NO '} ${name}: ${where}${line}`,
        ...(isHeld ? more.map((note) => `            ${note}`) : []),
      ];
    });
}
