import { formatJson, showText } from '../../format/show-text.js';
import type { TargetResult, TargetsReport } from '../../model/result/targets.js';
import { placeMessage } from '../error.js';
import { type Markup, mark, markLines } from '../markup.js';
import type { Renderers } from '../renderers.js';
import { formatTable } from '../table.js';

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

function renderMarkdown(report: TargetsReport): string {
  const lines = renderTargets(report).map((line) => line.replaceAll('```', "'''"));
  return `# ${report.targets.length} targets: ${report.failed ? 'failed' : 'done'}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n`;
}

function renderJunit(report: TargetsReport): string {
  const { targets } = report;
  const count = (...states: readonly string[]) =>
    targets.filter(({ state }) => states.includes(state)).length;
  const counts = mark`tests="${targets.length}" failures="${count('refused')}" errors="${count('failed')}" skipped="${count('left out')}"`;
  const time = (report.durationMs / 1000).toFixed(3);
  return mark`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="moby-patch" ${counts} time="${time}">
  <testsuite name="moby-patch: targets" ${counts} time="${time}">${targets.map(renderCase)}
  </testsuite>
</testsuites>
`.markup;
}

function renderCase(target: TargetResult): Markup {
  const { name, state, durationMs, error } = target;
  const open = mark`\n    <testcase classname="moby-patch.target" name="${name}" time="${(durationMs / 1000).toFixed(3)}">`;
  const close = mark`</testcase>`;
  if (state === 'left out') return mark`${open}<skipped message="another target failed first"/>${close}`;
  const text = markLines(explainTarget(target));
  if (state === 'refused')
    return mark`${open}<failure type="boot" message="${error?.message ?? ''}">${text}</failure>${close}`;
  if (state === 'failed')
    return mark`${open}<error type="build" message="${error?.message ?? ''}">${text}</error>${close}`;
  return mark`${open}<system-out>${state}</system-out>${close}`;
}

/** In the forms of the report of one build, but for a page. */
export const targetRenderers: Renderers<TargetsReport> = new Map([
  ['.md', (report) => showText(renderMarkdown(report))],
  ['.json', (report) => `${formatJson(report)}\n`],
  ['.junit.xml', renderJunit],
  ['.xml', renderJunit],
  ['.txt', (report) => `${showText(renderTargets(report).join('\n'))}\n`],
]);
