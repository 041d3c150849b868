import type { TargetResult, TargetsReport } from '../../model/result/targets.js';
import { placeMessage } from '../error.js';
import { renderShell } from '../html/shell.js';
import { type Cell, createSection, createTable, showResult } from '../html/tables.js';
import { mark, markLines } from '../markup.js';
import { formatTable } from '../table.js';
import { showSeconds } from '../text.js';
import { createManyRenderers } from './many-renderers.js';
import { renderSuite, type SuiteCase } from './suite.js';

/** A line for each target, then why some failed. */
export function renderTargets({ targets, jobs, durationMs }: TargetsReport): string[] {
  const rows = targets.map(({ name, state, sha256, verdict, output, durationMs: time }) => [
    name,
    state,
    state === 'left out' ? '' : `${(time / 1000).toFixed(1)} s`,
    sha256?.slice(0, 16) ?? '',
    verdict ?? '',
    sha256 === undefined ? '' : (output ?? ''),
  ]);
  const notes = targets.flatMap((target) => [
    ...explainTarget(target),
    ...target.warnings.map((warning) => `warning ${target.name}: ${warning}`),
  ]);
  return [
    ...formatTable(rows, [2]),
    ...notes,
    `${countStates(targets)}; ${jobs} at a time, ${(durationMs / 1000).toFixed(1)} s`,
  ];
}

function explainTarget({ name, error }: TargetResult): string[] {
  if (error === undefined) return [];
  const hint = error.hint === undefined ? [] : [`  try: ${error.hint}`];
  return [`${name}: ${placeMessage(error)} [${error.code}]`, ...hint];
}

function countStates(targets: readonly TargetResult[]): string {
  const counts = new Map<string, number>();
  for (const { state } of targets) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

const outcomes = {
  built: 'passed',
  unchanged: 'passed',
  refused: 'failed',
  failed: 'error',
  'left out': 'skipped',
} as const;

function renderJunit({ targets, durationMs }: TargetsReport): string {
  const cases = targets.map((target): SuiteCase => {
    const { name, state, durationMs: time, error } = target;
    const message = state === 'left out' ? 'another target failed first' : error?.message;
    const text = error === undefined ? [state] : explainTarget(target);
    return { name, seconds: time / 1000, outcome: outcomes[state], message, text };
  });
  return renderSuite({ name: 'targets', className: 'moby-patch.target', seconds: durationMs / 1000, cases });
}

/** What a reader looks for first are the targets that failed. */
function renderPage(report: TargetsReport): string {
  const { targets, failed, durationMs } = report;
  const count = (...states: readonly string[]) =>
    targets.filter(({ state }) => states.includes(state)).length;
  const faults = targets.flatMap((target) =>
    target.error === undefined
      ? []
      : mark`<h3>${target.name}: ${target.state}</h3>\n<pre class="error">${markLines(explainTarget(target))}</pre>\n`,
  );
  const warnings = targets.flatMap(({ name, warnings }) =>
    warnings.map((warning) => mark`<li>${name}: ${warning}</li>\n`),
  );
  const rows = targets.map(({ name, state, durationMs: time, sha256, verdict, output }): Cell[] => [
    showResult(outcomes[state], state),
    name,
    verdict ?? '',
    state === 'left out' ? '' : mark`<span>${showSeconds(time)}</span>`,
    sha256 === undefined ? '' : { long: output ?? '' },
    sha256?.slice(0, 16) ?? '',
  ]);
  const head = [{ unseen: 'state' }, { plain: 'target' }, 'boot', 'time', 'output', 'sha256'];
  return renderShell({
    title: `${targets.length} targets`,
    verdict: failed ? { name: 'failed', text: 'failed' } : { name: 'passed', text: 'done' },
    tiles: [
      { figure: String(count('built')), text: 'built' },
      { figure: String(count('unchanged')), text: 'unchanged' },
      { figure: String(count('refused', 'failed')), text: 'failed, or their boot was refused' },
      { figure: String(count('left out')), text: 'left out' },
      { figure: showSeconds(durationMs), text: 'in all' },
    ],
    sections: [
      ...createSection('What went wrong', faults, 'trouble'),
      ...createSection('Warnings', warnings.length === 0 ? [] : [mark`<ul>\n${warnings}</ul>\n`], 'caution'),
      ...createSection('Targets', [createTable({ name: 'Targets', head, rows })]),
    ],
  });
}

export const targetRenderers = createManyRenderers<TargetsReport>({
  title: ({ targets, failed }) => `${targets.length} targets: ${failed ? 'failed' : 'done'}`,
  lines: renderTargets,
  page: renderPage,
  junit: renderJunit,
});
